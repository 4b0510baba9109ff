/* SPDX-License-Identifier: Apache-2.0 */
#pragma once
/*
 * The enforcers of one profile, asked on paper: the BPF enforcer's compiled ruleset, the rules of
 * the AppArmor profile's text, and the compiled seccomp filter. What they answer is what the kernel
 * would do. AppArmor's rules are compared here one by one: where a rule may mean an action and that
 * depends on what is not asked (sources, targets and options of mounts, labels of peers) there is no
 * answer, and what a profile does not allow at all is not noticed. Does not block or log.
 */
#include "ctl/question.h"
#include "lib/profile.h"

struct disk_list;
struct judges;

enum answer_kind {
    ANSWER_NONE,    /* the enforcer has no say in such an action, or is not the policy's */
    ANSWER_UNKNOWN, /* it has, but what it says cannot be told here: note says why */
    ANSWER_GIVEN,
};

/* What one enforcer says. */
struct answer {
    enum answer_kind kind;
    bool deny, audit;
    char *rule; /* owned; origin of the deciding rule; NULL: none, or not known */
    char *note; /* owned; what else there is to say: "SCMP_ACT_ERRNO 1"; NULL: nothing */
};
void answer_done(struct answer *a); /* the answer may be used again as an empty one */

/* Takes a reference to the profile; disks stand for the node's. 0, -ENOMEM, or -EINVAL or -E2BIG
 * with *reterr: an enforcer cannot carry the profile out. */
int judges_new(struct judges **ret, struct profile *p, const struct disk_list *disks,
               struct error **reterr);
struct judges *judges_free(struct judges *j); /* accepts NULL, returns NULL */
DEFINE_CLEANUP(struct judges *, judges_free)

/* Who does what is asked about. Borrows. */
struct asker {
    enum sc_arch arch;   /* whose numbers its system calls have */
    const char *program; /* the executable that runs, for AppArmor's rules for single ones; NULL:
                            none of those */
};

/* Asks one of the profile's enforcers. *ret is written on
 * success only. 0, -ENOMEM, or -EINVAL with *reterr. */
int judges_ask(struct judges *j, enum enforcer_bit enforcer, const struct question *q,
               const struct asker *asker, struct answer *ret, struct error **reterr);

/* "x86_64", "x86", "x32", "aarch64", "arm": the words of --arch, by enum sc_arch. */
extern const char *const arch_words[SC_ARCHES];
/* Finds an architecture by its word. 0, or -EINVAL with *reterr. */
int arch_parse(enum sc_arch *ret, const char *word, struct error **reterr);
