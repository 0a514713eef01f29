/*
 * A tree of files as it looks from a root of its own: the live system, or an
 * image unpacked below a folder. Symbolic links are followed by hand, inside
 * the tree: an absolute one begins at its root, and ".." never leaves it.
 * Functions give 0 or an errno.
 */
#ifndef KEDGE_TREE_H
#define KEDGE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TREE_LINKS_MAX = 40,     /* symbolic links followed for one path, as in the kernel; ELOOP beyond */
	TREE_NAMES_MAX = 10000   /* names in one folder; EFBIG beyond */
};

/*
 * The path by which this system reaches `path` of the tree at `root` ("/" or
 * a folder), without any symbolic link behind the root; the caller's to free.
 * ENOENT, ENOTDIR, EACCES as stat(2) gives them.
 */
int tree_resolve(const char *root, const char *path, char **resolved);

/* The names in a folder without "." and "..", sorted by bytes; free with tree_free_names. */
int tree_list(const char *path, char ***names, size_t *count);
void tree_free_names(char **names, size_t count);

enum tree_kind { TREE_FILE, TREE_FOLDER, TREE_LINK, TREE_OTHER };

struct tree_entry {
	enum tree_kind kind;
	unsigned mode;           /* the bits of 07777 */
	int64_t uid, gid, size, mtime_ns;
	uint64_t device, inode;
	char *target;            /* of a symbolic link, else NULL; the caller's to free */
};

/* What a path itself is: a symbolic link is not followed. */
int tree_look(const char *path, struct tree_entry *);

struct tree_system {
	const char *temporary;   /* "overlay", "tmpfs": what is written is, or may be, gone after a restart; NULL: neither */
	bool read_only;
};

/* What kind of file system a path lies on. */
int tree_system(const char *path, struct tree_system *);

#endif
