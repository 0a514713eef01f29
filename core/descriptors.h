#ifndef KEDGE_DESCRIPTORS_H
#define KEDGE_DESCRIPTORS_H

/* How many descriptors can still be opened, as far as `wanted` of them. Where
 * fewer are free the soft limit (ulimit -Sn) is raised as far as is wanted and
 * the hard one allows. */
long descriptors_free(long wanted);

#endif
