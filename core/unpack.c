#include "unpack.h"

#include <string.h>

struct packed {
	const unsigned char *next, *end;
};

/* A half of the first byte and what goes on of it. */
static bool
take_count(struct packed *in, size_t half, size_t *count)
{
	*count = half;
	if (half < 15)
		return true;
	while (in->next < in->end) {
		unsigned char more = *in->next++;

		*count += more;
		if (more != 255)
			return true;
	}
	return false;
}

static bool
take_distance(struct packed *in, size_t done, size_t *distance)
{
	if (in->end - in->next < 2)
		return false;
	*distance = in->next[0] | (size_t)in->next[1] << 8;
	in->next += 2;
	return *distance > 0 && *distance <= done;
}

bool
unpack(const unsigned char *packed, size_t length, unsigned char *out, size_t size)
{
	struct packed in = { packed, packed + length };
	size_t done = 0, literals, copied, distance;

	while (done < size) {
		unsigned char halves;

		if (in.next == in.end)
			return false;
		halves = *in.next++;
		if (!take_count(&in, halves >> 4, &literals) || literals > (size_t)(in.end - in.next) ||
		    literals > size - done)
			return false;
		memcpy(out + done, in.next, literals);
		in.next += literals;
		done += literals;
		if (done == size)
			break;
		if (!take_distance(&in, done, &distance) || !take_count(&in, halves & 15, &copied) ||
		    copied + UNPACK_COPY_MIN > size - done)
			return false;
		for (copied += UNPACK_COPY_MIN; copied > 0; copied--, done++)
			out[done] = out[done - distance];
	}
	return in.next == in.end;
}
