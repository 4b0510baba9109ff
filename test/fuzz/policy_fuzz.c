/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of policies. Seeds: test/policies/good, test/policies/bad. What must hold:
 * nothing is half applied, every finding has a text and a position within the file, and what was
 * accepted is whole.
 */
#include <assert.h>
#include <string.h>

#include "lib/policy/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_findings(const struct findings *f, size_t size)
{
    for (size_t i = 0; i < f->n; i++) {
        assert(f->items[i].message && *f->items[i].message);
        assert(strlen(f->items[i].message) >= f->items[i].path_len);
        assert(f->items[i].line <= size + 1 && f->items[i].column <= size + 1);
        assert(f->items[i].line == 0 || f->items[i].column > 0);
        if (i)
            assert(f->items[i - 1].line <= f->items[i].line || f->n_dropped);
    }
}

static void check_policy(const struct policy *p)
{
    assert(p->name && *p->name && p->labels && p->enforcers && p->mode && p->target.kind);
    assert(!p->target.name != !p->target.selector);
    assert(p->cluster == (*p->name_space == '\0') && p->cluster == !p->target.name_space);
    for (size_t i = 0; i < p->enhance.bpf.n_files; i++)
        assert(p->enhance.bpf.files[i].pattern && p->enhance.bpf.files[i].permissions);
    for (size_t i = 0; i < p->enhance.bpf.n_destinations; i++) {
        const struct policy_destination *d = &p->enhance.bpf.destinations[i];

        assert(d->entity || d->block.family || d->ports.n);
        for (size_t j = 0; j < d->ports.n; j++)
            assert(d->ports.items[j].first && d->ports.items[j].first <= d->ports.items[j].last);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct findings findings;
    struct objects objects;

    if (objects_parse(&objects, data, size, &findings) == 0) {
        assert(findings.n_errors == 0 || objects.n == 0);
        check_findings(&findings, size);
        for (size_t i = 0; i < objects.n; i++) {
            assert(objects.items[i].name && objects.items[i].name_space);
            assert(!objects.items[i].policy != !objects.items[i].manifest);
            if (objects.items[i].policy)
                check_policy(objects.items[i].policy);
        }
    }
    objects_done(&objects);
    findings_done(&findings);
    return 0;
}
