/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "agent/piped_program.h"
#include "lib/loop.h"

#define MAX_OUTPUT 4096
#define DEADLINE   (20 * NS_PER_SEC)

struct bed {
    struct loop *loop;
    unsigned n_done;
    bool frees; /* done() frees the program */
    struct piped_program *program;
};

static void on_done(struct piped_program *p, void *data)
{
    struct bed *bed = data;

    ck_assert_ptr_eq(p, bed->program);
    bed->n_done++;
    if (bed->frees)
        bed->program = piped_program_free(p);
    loop_stop(bed->loop);
}

static int start(struct bed *bed, const char *const *argv, const char *text, uint64_t deadline_ns,
                 struct error **reterr)
{
    const struct piped_settings settings = {
        .path = argv[0],
        .argv = argv,
        .max_output = MAX_OUTPUT,
        .max_errors = 64,
        .deadline_ns = deadline_ns,
        .done = on_done,
        .data = bed,
    };
    CLEANUP_BUF struct buf input = BUF_INIT(1u << 20);
    int r;

    ck_assert_int_eq(loop_new(&bed->loop, NULL), 0);
    ck_assert_int_eq(buf_add_text(&input, text), 0);
    r = piped_program_start(&bed->program, bed->loop, &settings, &input, reterr);
    ck_assert(r < 0 || input.len == 0);
    return r;
}

static void run_shell(struct bed *bed, const char *script, const char *text, uint64_t deadline_ns)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};

    ck_assert_int_eq(start(bed, argv, text, deadline_ns, NULL), 0);
    ck_assert_int_eq(loop_run(bed->loop), 0);
    ck_assert_uint_eq(bed->n_done, 1);
}

static void end(struct bed *bed)
{
    piped_program_free(bed->program);
    loop_free(bed->loop);
    /* Nothing of ours is left to be waited for. */
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
    ck_assert_int_eq(errno, ECHILD);
}

static const struct {
    const char *script, *input;
    enum piped_outcome outcome;
    int status;
    const char *output, *errors; /* NULL: any */
} runs[] = {
    {"cat", "in and out", PIPED_EXITED, 0, "in and out", ""},
    {"cat; echo no >&2; exit 3", "", PIPED_EXITED, 3, "", "no\n"},
    {"exit 1", "nobody reads this", PIPED_EXITED, 1, "", ""},
    {"exec <&-; echo closed", "nobody reads this", PIPED_EXITED, 0, "closed\n", ""},
    {"kill -TERM $$", "", PIPED_SIGNALLED, SIGTERM, "", NULL},
    {"head -c 4096 /dev/zero | tr '\\0' x", "", PIPED_EXITED, 0, NULL, ""},
    {"head -c 4097 /dev/zero; sleep 100", "", PIPED_TOO_MUCH, SIGKILL, NULL, ""},
    {"head -c 1000 /dev/zero | tr '\\0' e >&2; echo still read", "", PIPED_EXITED, 0,
     "still read\n", NULL},
    {"env | grep -v -e PWD -e SHLVL -e '^_='; echo end", "", PIPED_EXITED, 0, "end\n", ""},
    {"ls /proc/self/fd | tr '\\n' ' '", "", PIPED_EXITED, 0, "0 1 2 3 ", ""}, /* 3: ls itself */
    {"grep CapEff /proc/self/status", "", PIPED_EXITED, 0, "CapEff:\t0000000000000000\n", ""},
    {"ulimit -c", "", PIPED_EXITED, 0, "0\n", ""},
    {"echo x >/tmp/piped-program-test", "", PIPED_SIGNALLED, SIGXFSZ, "", ""},
    {"kill -PIPE $$", "", PIPED_SIGNALLED, SIGPIPE, "", ""}, /* which we ignore */
};

START_TEST(a_program_is_fed_and_read)
{
    struct bed bed = {0};

    run_shell(&bed, runs[_i].script, runs[_i].input, DEADLINE);
    ck_assert_int_eq(piped_program_outcome(bed.program), runs[_i].outcome);
    ck_assert_int_eq(piped_program_status(bed.program), runs[_i].status);
    if (runs[_i].output)
        ck_assert_str_eq(buf_text(piped_program_output(bed.program)), runs[_i].output);
    if (runs[_i].errors)
        ck_assert_str_eq(piped_program_errors(bed.program), runs[_i].errors);
    ck_assert_uint_le(piped_program_output(bed.program)->len, MAX_OUTPUT);
    unlink("/tmp/piped-program-test");
    end(&bed);
}
END_TEST

START_TEST(errors_beyond_the_ceiling_are_dropped_and_the_program_goes_on)
{
    struct bed bed = {0};

    run_shell(&bed, "head -c 200000 /dev/zero | tr '\\0' e >&2; echo end", "", DEADLINE);
    ck_assert_uint_eq(strlen(piped_program_errors(bed.program)), 64);
    ck_assert_str_eq(buf_text(piped_program_output(bed.program)), "end\n");
    end(&bed);
}
END_TEST

START_TEST(input_larger_than_a_pipe_arrives_whole)
{
    struct bed bed = {0};
    char *text = malloc(300001);

    ck_assert_ptr_nonnull(text);
    memset(text, 'a', 300000);
    text[300000] = '\0';
    run_shell(&bed, "wc -c", text, DEADLINE);
    ck_assert_str_eq(buf_text(piped_program_output(bed.program)), "300000\n");
    free(text);
    end(&bed);
}
END_TEST

/* The process that the program said it left behind is gone, or a zombie that waits for init. */
static void require_ended(const struct bed *bed)
{
    pid_t pid = (pid_t)strtol(buf_text(piped_program_output(bed->program)), NULL, 10);
    bool ended = false;

    ck_assert_int_gt(pid, 0);
    for (int i = 0; i < 10000 && !ended; i++) { /* it was killed, and dies when it is scheduled */
        char path[64], state[256] = "";
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        f = fopen(path, "re");
        ended = !f || !fgets(state, sizeof(state), f) || strstr(state, ") Z") != NULL;
        if (f)
            fclose(f);
        sched_yield();
    }
    ck_assert(ended);
}

START_TEST(a_program_and_its_children_end_at_the_deadline)
{
    struct bed bed = {0};

    run_shell(&bed, "sleep 100 & echo $!; sleep 100", "", 300 * NS_PER_MSEC);
    ck_assert_int_eq(piped_program_outcome(bed.program), PIPED_LATE);
    require_ended(&bed);
    end(&bed);
}
END_TEST

START_TEST(a_child_left_behind_ends_with_its_parent)
{
    struct bed bed = {0};

    /* It holds our pipes: whoever waited for their end would wait long. */
    run_shell(&bed, "sleep 100 & echo $!", "", DEADLINE);
    ck_assert_int_eq(piped_program_outcome(bed.program), PIPED_EXITED);
    require_ended(&bed);
    end(&bed);
}
END_TEST

START_TEST(a_child_that_left_the_group_and_writes_without_end_does_not_hold_us)
{
    struct bed bed = {0};

    run_shell(&bed, "setsid -f sh -c 'echo; exec yes >&2' | { read up; echo end; }", "", DEADLINE);
    ck_assert_int_eq(piped_program_outcome(bed.program), PIPED_EXITED);
    ck_assert_str_eq(buf_text(piped_program_output(bed.program)), "end\n");
    end(&bed);
}
END_TEST

START_TEST(a_program_that_is_not_there_says_so)
{
    static const char *const argv[] = {"/nonexistent/program", NULL};
    struct bed bed = {0};

    ck_assert_int_eq(start(&bed, argv, "", DEADLINE, NULL), 0);
    ck_assert_int_eq(loop_run(bed.loop), 0);
    ck_assert_int_eq(piped_program_status(bed.program), PIPED_NOT_STARTED);
    ck_assert_str_eq(piped_program_errors(bed.program),
                     "the program cannot be started: No such file or directory");
    end(&bed);
}
END_TEST

/* script, and what is answered: its output, or the reason. */
static const struct {
    const char *script;
    int code;
    const char *says;
} waits[] = {
    {"echo version 3", 0, "version 3\n"},
    {"echo what is that >&2; exit 2", -EIO, "program '/bin/sh' does not work: what is that\\x0a"},
    {"kill -KILL $$", -EIO, "program '/bin/sh' does not work: "},
    {"exec sleep 100", -EIO, "program '/bin/sh' does not work: "},
    {"head -c 4097 /dev/zero", -EIO, "program '/bin/sh' does not work: "},
    {"echo more than there is room for", -E2BIG, "program '/bin/sh': Argument list too long"},
};

START_TEST(a_program_can_be_waited_for)
{
    const char *const argv[] = {"/bin/sh", "-c", waits[_i].script, NULL};
    const struct piped_settings settings = {
        .path = argv[0],
        .argv = argv,
        .max_output = MAX_OUTPUT,
        .max_errors = 64,
        .deadline_ns = NS_PER_SEC,
    };
    CLEANUP_BUF struct buf out = BUF_INIT(16);
    CLEANUP(error_free) struct error *why = NULL;

    ck_assert_int_eq(piped_program_run(&settings, &out, &why), waits[_i].code);
    ck_assert_str_eq(why ? error_message(why) : buf_text(&out), waits[_i].says);
    ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(done_may_free_the_program)
{
    struct bed bed = {.frees = true};

    run_shell(&bed, "true", "", DEADLINE);
    ck_assert_ptr_null(bed.program);
    end(&bed);
}
END_TEST

START_TEST(a_program_that_is_freed_is_killed_and_never_done)
{
    static const char *const argv[] = {"/bin/sleep", "100", NULL};
    struct bed bed = {0};

    ck_assert_int_eq(start(&bed, argv, "", DEADLINE, NULL), 0);
    bed.program = piped_program_free(bed.program);
    ck_assert_uint_eq(bed.n_done, 0);
    end(&bed);
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("piped_program");
    TCase *tcase = tcase_create("piped_program");

    tcase_add_loop_test(tcase, a_program_is_fed_and_read, 0, ARRAY_SIZE(runs));
    tcase_add_test(tcase, errors_beyond_the_ceiling_are_dropped_and_the_program_goes_on);
    tcase_add_test(tcase, input_larger_than_a_pipe_arrives_whole);
    tcase_add_test(tcase, a_program_and_its_children_end_at_the_deadline);
    tcase_add_test(tcase, a_child_left_behind_ends_with_its_parent);
    tcase_add_test(tcase, a_child_that_left_the_group_and_writes_without_end_does_not_hold_us);
    tcase_add_test(tcase, a_program_that_is_not_there_says_so);
    tcase_add_loop_test(tcase, a_program_can_be_waited_for, 0, ARRAY_SIZE(waits));
    tcase_add_test(tcase, done_may_free_the_program);
    tcase_add_test(tcase, a_program_that_is_freed_is_killed_and_never_done);
    suite_add_tcase(suite, tcase);
    return suite;
}
