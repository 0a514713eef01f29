/*
 * Changes to a tree of files, one call each, and each flushed before it gives
 * back: a power cut keeps their order. What appears under a name is there
 * whole or not at all. Functions give 0 or an errno; one that was interrupted
 * after its rename may have happened. file.h has what replaces a file's content.
 */
#ifndef KEDGE_CHANGE_H
#define KEDGE_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct change_owner {
	uid_t uid;
	gid_t gid;
	mode_t mode; /* the bits of 07777 */
};

/* Makes a folder with exactly this mode; 0 also when one is there, which stays as it is. */
int change_make_folder(const char *path, mode_t mode);

/* Removes a file or a symbolic link; 0 also when nothing is there. */
int change_remove(const char *path);

/* Removes an empty folder; 0 also when nothing is there. */
int change_remove_folder(const char *path);

/* Makes `path` a symbolic link that says `target`, in the place of a file or link
 * that is there. Made by root in a folder that is somebody else's, it is theirs. */
int change_link(const char *target, const char *path);

int change_rename(const char *from, const char *to);

/* Makes a new file of these bytes; EEXIST where something is there. A NULL owner: ours, 0644. */
int change_create(const char *path, const void *bytes, size_t length, const struct change_owner *);

/* Makes a new file with the content, owner, mode, times and extended attributes
 * of the regular file `from`; EEXIST where something is there, ELOOP where `from` is a symbolic link. */
int change_copy(const char *from, const char *to);

/* Makes `path` the same as `copy` again, in all that change_copy keeps; it need
 * not be there. Symbolic links at `path` are followed, and stay; ELOOP for one
 * in a folder where others may write, and where `copy` is one. */
int change_restore(const char *copy, const char *path);

/* Owner and mode; symbolic links are followed. */
int change_get_owner(const char *path, struct change_owner *);

/* Gives a file or folder this owner and mode; ELOOP for a symbolic link. */
int change_set_owner(const char *path, const struct change_owner *);

/* Flushes one file or folder, or all of the file system that it lies on. */
int change_flush(const char *path);
int change_flush_system(const char *path);

struct change_room {
	uint64_t bytes, inodes; /* that we may still take; UINT64_MAX where the file system has no such bound */
};

int change_get_room(const char *path, struct change_room *);

/* 0 where we may write: a file's content, a folder's names; EROFS, EACCES, ENOENT. */
int change_may_write(const char *path);

#endif
