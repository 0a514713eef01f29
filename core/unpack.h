/*
 * What the binary carries is packed, for devices of small flash: runs of bytes
 * that stood before are named by how far back they begin.
 *
 * A packed text is a sequence of: one byte, literals << 4 | copied - 4 (15 in
 * either half goes on in bytes that are added, up to the first that isn't 255);
 * the literals; and, where the text isn't complete with them, the distance in two
 * bytes, lower first. The literals' further bytes stand before them, those of the
 * copy behind the distance. core/bind/pack.lua writes it.
 */
#ifndef KEDGE_UNPACK_H
#define KEDGE_UNPACK_H

#include <stdbool.h>
#include <stddef.h>

enum { UNPACK_COPY_MIN = 4 };

/* Writes the `size` bytes that `packed` stands for; false where it doesn't hold exactly these. */
bool unpack(const unsigned char *packed, size_t length, unsigned char *out, size_t size);

#endif
