/* SPDX-License-Identifier: Apache-2.0 */
/* OCI JSON: what is read is written, reads back with the same meaning, and can be laid over itself. */
#include "lib/seccomp/seccomp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_COMPILED_RULES 8 /* more is for the time that an input may take */

static void must_be_same(const struct sc_profile *p, const struct sc_profile *q)
{
    struct digest a, b;
    int r = sc_profile_digest(p, &a);

    if (r == 0 && (sc_profile_digest(q, &b) < 0 || !digest_equal(&a, &b)))
        abort();
}

static void compile(const struct sc_profile *p)
{
    CLEANUP(sc_program_free) struct sc_program *program = NULL;
    enum sc_arch arches[SC_ARCHES];
    struct sc_verdict v;
    size_t n;

    if (p->n_rules > MAX_COMPILED_RULES || sc_profile_arches(p, "x86_64", arches, &n) < 0 ||
        sc_compile(&program, p, arches, n, NULL, NULL, NULL) < 0)
        return;
    if (sc_simulate(program, SC_X86_64, 0, (uint64_t[6]){1, 2, 3, 4, 5, 6}, &v) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP_SC_PROFILE struct sc_profile p = {0}, q = {0};
    CLEANUP_BUF struct buf out = BUF_INIT(4 * SC_MAX_JSON);

    if (sc_profile_read_json(&p, (const char *)data, size, NULL) < 0)
        return 0;
    if (sc_profile_write_json(&p, NULL, 0, &out) < 0 || out.len > SC_MAX_JSON)
        return 0;
    if (sc_profile_read_json(&q, buf_text(&out), out.len, NULL) < 0)
        abort();
    must_be_same(&p, &q);
    compile(&p);
    if (p.n_rules <= MAX_COMPILED_RULES)
        sc_profile_block(&q, p.rules, p.n_rules, NULL);
    return 0;
}
