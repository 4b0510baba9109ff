/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The manager's own authority and the server certificate that it signs (EC keys on P-256, PEM texts),
 * made, checked and put together.
 *
 * The authority's key is used once and forgotten: whoever renews makes a new authority too. Until
 * everybody believes the new one, a bundle holds both, so what is believed is always a bundle.
 *
 * The time is an argument, in seconds since 1970. No I/O beyond random numbers, no logging. Key
 * material is wiped when it is freed.
 */
#include "lib/error.h"

#define CERTIFICATE_LIFE_S        (365LL * 24 * 3600)
#define CERTIFICATE_EARLY_S       3600LL /* valid from so long before: clocks differ */
#define CERTIFICATE_BUNDLE_MAX    8      /* authorities that are believed at a time */
#define CERTIFICATE_MAX_PEM_BYTES (256u << 10)

struct certificate_pair {
    char *authority; /* owned, like the others: certificates, at least the one that signed below */
    char *certificate; /* chain included */
    char *key;
};
void certificate_pair_done(struct certificate_pair *p); /* wipes the key */
/* 0 or -ENOMEM. */
int certificate_pair_copy(struct certificate_pair *ret, const struct certificate_pair *from);

/* The names of a server: DNS names and addresses, the first is its common name. Borrowed. */
struct certificate_names {
    const char *const *items;
    size_t n;
};

/* A new authority and a certificate for the names, valid from now_s. 0, -ENOMEM, or -EINVAL with
 * *reterr (a name that is none). */
int certificate_pair_make(struct certificate_pair *ret, const struct certificate_names *names,
                          int64_t now_s, struct error **reterr);

/* Would a client that believes p->authority accept this server at that time, under every name? And
 * does the key fit? 0, or -EINVAL with *reterr that says what is wrong. */
int certificate_pair_check(const struct certificate_pair *p, const struct certificate_names *names,
                           int64_t now_s, struct error **reterr);

/* When a certificate (the first of the text) should be renewed: a third of its life is left then. 0,
 * or -EINVAL. */
int certificate_renew_at(const char *certificate, int64_t *ret_s);

/* The certificates of first, then those of second that are not among them; what has expired is left
 * out, and what is beyond CERTIFICATE_BUNDLE_MAX. Either may be NULL or hold other text. *ret is
 * owned by the caller, perhaps "". 0 or -ENOMEM. */
int certificate_bundle_join(char **ret, const char *first, const char *second, int64_t now_s);
/* Is every certificate of wanted in the bundle, as far as certificate_bundle_join() would put it there? What it leaves out
 * is not missed: else who joins the two would never be done. */
bool certificate_bundle_holds(const char *bundle, const char *wanted, int64_t now_s);
