/* What a file that takes another's place takes over, for core/file. */
#ifndef KEDGE_FILE_INSIDE_H
#define KEDGE_FILE_INSIDE_H

#include <sys/stat.h>

/* Gives `to` the owner, extended attributes and mode of `from`, whose status is
 * given: all of it, or an errno. */
int file_keep_identity(int from, int to, const struct stat *);

/* Follows `path` from link to link: 0, or ELOOP where one stands in a folder in
 * which others may put another in its place. */
int file_check_links(const char *path);

#endif
