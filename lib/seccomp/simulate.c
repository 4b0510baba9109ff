/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program as the kernel would: the instructions that seccomp takes (linux/filter.h), over the
 * struct seccomp_data of a call. Jumps lead forward only, so that a program ends.
 */
#include "lib/seccomp/program.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

struct machine {
    uint32_t a, x, memory[BPF_MEMWORDS];
    const struct seccomp_data *data;
    uint32_t verdict; /* once it has ended */
};

static bool fetch_data(const struct machine *m, uint32_t offset, uint32_t *ret)
{
    if (offset % sizeof(*ret) != 0 || offset > sizeof(*m->data) - sizeof(*ret))
        return false;
    memcpy(ret, (const char *)m->data + offset, sizeof(*ret));
    return true;
}

/* LD and LDX: into *ret. */
static bool load(const struct machine *m, const struct sock_filter *i, uint32_t *ret)
{
    if (BPF_SIZE(i->code) != BPF_W)
        return false;
    switch (BPF_MODE(i->code)) {
    case BPF_IMM:
        *ret = i->k;
        return true;
    case BPF_LEN:
        *ret = sizeof(*m->data);
        return true;
    case BPF_MEM:
        if (i->k >= BPF_MEMWORDS)
            return false;
        *ret = m->memory[i->k];
        return true;
    case BPF_ABS:
        return BPF_CLASS(i->code) == BPF_LD && fetch_data(m, i->k, ret);
    default:
        return false;
    }
}

static bool calculate(struct machine *m, const struct sock_filter *i)
{
    uint32_t by = BPF_SRC(i->code) == BPF_X ? m->x : i->k;

    switch (BPF_OP(i->code)) {
    case BPF_ADD:
        m->a += by;
        return true;
    case BPF_SUB:
        m->a -= by;
        return true;
    case BPF_MUL:
        m->a *= by;
        return true;
    case BPF_DIV:
        if (by != 0)
            m->a /= by;
        return by != 0;
    case BPF_AND:
        m->a &= by;
        return true;
    case BPF_OR:
        m->a |= by;
        return true;
    case BPF_XOR:
        m->a ^= by;
        return true;
    case BPF_LSH:
        m->a = by < 32 ? m->a << by : 0;
        return true;
    case BPF_RSH:
        m->a = by < 32 ? m->a >> by : 0;
        return true;
    case BPF_NEG:
        m->a = -m->a;
        return true;
    default:
        return false;
    }
}

/* *ret_skip: how many instructions to leave out. */
static bool jump(const struct machine *m, const struct sock_filter *i, uint32_t *ret_skip)
{
    uint32_t with = BPF_SRC(i->code) == BPF_X ? m->x : i->k;
    bool yes;

    switch (BPF_OP(i->code)) {
    case BPF_JA:
        *ret_skip = i->k;
        return true;
    case BPF_JEQ:
        yes = m->a == with;
        break;
    case BPF_JGT:
        yes = m->a > with;
        break;
    case BPF_JGE:
        yes = m->a >= with;
        break;
    case BPF_JSET:
        yes = m->a & with;
        break;
    default:
        return false;
    }
    *ret_skip = yes ? i->jt : i->jf;
    return true;
}

static bool end(struct machine *m, const struct sock_filter *i)
{
    if (BPF_RVAL(i->code) != BPF_A && BPF_RVAL(i->code) != BPF_K)
        return false;
    m->verdict = BPF_RVAL(i->code) == BPF_A ? m->a : i->k;
    return true;
}

static bool store(struct machine *m, const struct sock_filter *i, uint32_t value)
{
    if (i->k >= BPF_MEMWORDS)
        return false;
    m->memory[i->k] = value;
    return true;
}

static bool move(struct machine *m, const struct sock_filter *i)
{
    if (BPF_MISCOP(i->code) == BPF_TAX)
        m->x = m->a;
    else
        m->a = m->x;
    return BPF_MISCOP(i->code) == BPF_TAX || BPF_MISCOP(i->code) == BPF_TXA;
}

static bool run(struct machine *m, const struct sc_program *p)
{
    for (size_t pc = 0; pc < p->n; pc++) {
        const struct sock_filter *i = &p->code[pc];
        uint32_t skip = 0;
        bool good;

        switch (BPF_CLASS(i->code)) {
        case BPF_LD:
            good = load(m, i, &m->a);
            break;
        case BPF_LDX:
            good = load(m, i, &m->x);
            break;
        case BPF_ST:
            good = store(m, i, m->a);
            break;
        case BPF_STX:
            good = store(m, i, m->x);
            break;
        case BPF_ALU:
            good = calculate(m, i);
            break;
        case BPF_JMP:
            good = jump(m, i, &skip);
            break;
        case BPF_RET:
            return end(m, i);
        default:
            good = move(m, i);
        }
        if (!good)
            return false;
        pc += skip;
    }
    return false; /* it runs out of the program */
}

static struct sc_verdict verdict_of(uint32_t answer)
{
    struct sc_verdict v = {.action = SC_KILL_PROCESS, .data = answer & SECCOMP_RET_DATA};

    switch (answer & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
        v.action = SC_ALLOW;
        break;
    case SECCOMP_RET_LOG:
        v.action = SC_LOG;
        break;
    case SECCOMP_RET_TRACE:
        v.action = SC_TRACE;
        break;
    case SECCOMP_RET_USER_NOTIF:
        v.action = SC_NOTIFY;
        break;
    case SECCOMP_RET_ERRNO:
        v.action = SC_ERRNO;
        v.data = MIN(v.data, SC_MAX_ERRNO);
        break;
    case SECCOMP_RET_TRAP:
        v.action = SC_TRAP;
        break;
    case SECCOMP_RET_KILL_THREAD:
        v.action = SC_KILL_THREAD;
        break;
    default: /* the kernel kills for what it does not know */
        break;
    }
    return v;
}

int sc_simulate(const struct sc_program *p, enum sc_arch arch, int nr, const uint64_t args[6],
                struct sc_verdict *ret)
{
    static const uint32_t audit_arches[] = {
        [SC_X86_64] = AUDIT_ARCH_X86_64,   [SC_X86] = AUDIT_ARCH_I386, [SC_X32] = AUDIT_ARCH_X86_64,
        [SC_AARCH64] = AUDIT_ARCH_AARCH64, [SC_ARM] = AUDIT_ARCH_ARM,
    };
    _Static_assert(ARRAY_SIZE(audit_arches) == SC_ARCHES, "one for each architecture");
    struct seccomp_data data = {.nr = nr, .arch = audit_arches[arch]};
    struct machine m = {.data = &data};

    if (nr < 0)
        return -EINVAL;
    if (arch == SC_X32)
        data.nr |= SC_X32_BIT;
    memcpy(data.args, args, sizeof(data.args));
    if (!run(&m, p))
        return -EINVAL;
    *ret = verdict_of(m.verdict);
    return 0;
}
