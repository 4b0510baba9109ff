/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/match/dfa.h"

void dfa_done(struct dfa *d)
{
    id_list_done(&d->verdicts);
    id_list_done(&d->firsts);
    id_list_done(&d->targets);
    free(d->labels);
    d->labels = NULL;
}

int dfa_add_state(struct dfa *d, uint32_t verdict)
{
    if (id_list_reserve(&d->verdicts, 1) < 0 || id_list_reserve(&d->firsts, 1) < 0)
        return -ENOMEM;
    id_list_add(&d->verdicts, verdict);
    id_list_add(&d->firsts, (uint32_t)d->targets.n);
    return 0;
}

int dfa_add_transition(struct dfa *d, uint8_t class, uint32_t target)
{
    if (id_list_reserve(&d->targets, 1) < 0)
        return -ENOMEM;
    if (d->label_capacity < d->targets.capacity) {
        uint8_t *labels = realloc(d->labels, d->targets.capacity);

        if (!labels)
            return -ENOMEM;
        d->labels = labels;
        d->label_capacity = d->targets.capacity;
    }
    d->labels[d->targets.n] = class;
    return id_list_add(&d->targets, target);
}

int dfa_end(struct dfa *d)
{
    return id_list_add(&d->firsts, (uint32_t)d->targets.n);
}
