/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/backoff.h"

/* One step of splitmix64 (Steele, Lea, Flood 2014): any seed will do, zero included. */
static uint64_t backoff_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

uint64_t backoff_next_ns(struct backoff *b)
{
    uint64_t delay = MIN(b->first_ns, b->max_ns);
    uint64_t half;

    for (unsigned i = 0; i < b->n_failures && delay < b->max_ns; i++)
        delay = delay > b->max_ns / 2 ? b->max_ns : delay * 2;
    if (delay < b->max_ns)
        b->n_failures++; /* at the maximum more of them change nothing, and must not wrap */
    half = delay / 2;
    return delay - half + backoff_random(&b->random_state) % (half + 1);
}

void backoff_reset(struct backoff *b)
{
    b->n_failures = 0;
}
