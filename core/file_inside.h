/* What makes a file appear or take another's place, for core/file and core/change. */
#ifndef KEDGE_FILE_INSIDE_H
#define KEDGE_FILE_INSIDE_H

#include <sys/stat.h>

#include "file.h"

/* Makes something new of this name: 0 or an errno, EEXIST where the name is taken. */
typedef int file_maker(const char *name, void *context);

/* Makes something beside output->path, as FOLDER/.NAME.PID-N, and enters it
 * into the table of unfinished files; EMFILE: too many. */
int file_make_beside(struct file_output *output, file_maker *make, void *context);

/* The same for an empty file, open in output->fd. */
int file_open_beside(struct file_output *output, mode_t mode);

/* Renames what stands beside output->path to it and flushes the folder. */
int file_put_in_place(struct file_output *output);

/* Makes what changed in the folder of `path` outlive a power cut, where the folder can be opened. */
int file_flush_folder(const char *path);

/* Gives `to` the owner, extended attributes and mode of `from`, whose status is
 * given: all of it, or an errno. */
int file_keep_identity(int from, int to, const struct stat *);

/* Follows `path` from link to link: 0, or ELOOP where one stands in a folder in
 * which others may put another in its place. `end` (PATH_MAX bytes, or NULL) is
 * where the links lead, also with ENOENT where nothing is there. */
int file_follow_links(const char *path, char *end);

#endif
