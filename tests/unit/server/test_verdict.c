/* Verdicts: what is written comes back, what is no verdict counts for nothing; and which files of DIR/models are whose. */
#include "server/app/verdict.h"

#include "core/base/log.h"
#include "server/app/model_files.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERSION "m0123456789abcdef"

static char directory[64];

static void make_directory(void)
{
    (void)snprintf(directory, sizeof directory, "/tmp/inkling-verdict-XXXXXX");
    cr_assert(mkdtemp(directory));
    log_set_level(LOG_ERROR);
}

static void remove_directory(void)
{
    char command[96];
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    cr_assert_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
    static char path[192];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void put_file(const char *name, const char *bytes, size_t n_bytes)
{
    FILE *file = fopen(path_of(name), "wb");
    cr_assert(file);
    cr_assert_eq(fwrite(bytes, 1, n_bytes, file), n_bytes);
    cr_assert_eq(fclose(file), 0);
}

static bool is_there(const char *name)
{
    struct stat facts;
    return lstat(path_of(name), &facts) == 0;
}

static struct verdict read_verdict(void)
{
    struct verdict verdict;
    struct error error = {0};
    cr_assert_eq(verdict_read(directory, VERSION, &verdict, &error), STATUS_OK, "%s", error.detail);
    return verdict;
}

TestSuite(verdict, .init = make_directory, .fini = remove_directory);
TestSuite(model_files, .init = make_directory, .fini = remove_directory);

Test(verdict, comes_back_as_it_was_written)
{
    struct verdict written = {.state = VERDICT_REJECTED,
                              .reason = "it is \"worse\"",
                              .metric = "ndcg10",
                              .fresh = .051,
                              .live = .055,
                              .margin = .01,
                              .live_version = "mfedcba9876543210",
                              .n_cases = 1234};
    cr_assert_eq(verdict_write(directory, VERSION, &written, NULL), STATUS_OK);
    struct verdict found = read_verdict();
    cr_expect_eq(found.state, VERDICT_REJECTED);
    cr_expect_str_eq(found.reason, written.reason);
    cr_expect_str_eq(found.metric, written.metric);
    cr_expect_str_eq(found.live_version, written.live_version);
    cr_expect_eq(found.fresh, .051);
    cr_expect_eq(found.live, .055);
    cr_expect_eq(found.margin, .01);
    cr_expect_eq(found.n_cases, 1234);
}

Test(verdict, may_be_without_figures)
{
    struct verdict written = verdict_of(VERDICT_READY, NULL);
    cr_assert_eq(verdict_write(directory, VERSION, &written, NULL), STATUS_OK);
    struct verdict found = read_verdict();
    cr_expect_eq(found.state, VERDICT_READY);
    cr_expect(isnan(found.fresh) && isnan(found.live) && isnan(found.margin));
    cr_expect_eq(found.reason[0] | found.metric[0] | found.live_version[0], 0);
}

Test(verdict, is_replaced_by_the_next)
{
    struct verdict first = verdict_of(VERDICT_REJECTED, "worse"), second = verdict_of(VERDICT_LIVE, "forced");
    cr_assert_eq(verdict_write(directory, VERSION, &first, NULL), STATUS_OK);
    cr_assert_eq(verdict_write(directory, VERSION, &second, NULL), STATUS_OK);
    cr_expect_eq(read_verdict().state, VERDICT_LIVE);
    cr_expect_str_eq(read_verdict().reason, "forced");
}

Test(verdict, leaves_nothing_behind_when_it_cannot_be_written)
{
    struct error error = {0};
    struct verdict verdict = verdict_of(VERDICT_LIVE, NULL);
    cr_assert_eq(mkdir(path_of(VERSION ".verdict"), 0700), 0); /* in the way */
    cr_assert_eq(verdict_write(directory, VERSION, &verdict, &error), STATUS_IO);
    cr_expect(strstr(error.detail, VERSION), "%s", error.detail);
    cr_assert_eq(rmdir(path_of(VERSION ".verdict")), 0);
    cr_assert_eq(rmdir(directory), 0, "a partial file is left");
    cr_assert_eq(mkdir(directory, 0700), 0);
}

Test(verdict, is_to_go_live_when_there_is_none)
{
    cr_expect_eq(read_verdict().state, VERDICT_LIVE);
    cr_expect_eq(read_verdict().reason[0], '\0');
}

Test(verdict, counts_for_nothing_when_it_is_none)
{
    static const char *const texts[] = {
        "",
        "x",
        "[]",
        "{}",
        "null",
        "{\"state\":\"rejected\"",
        "{\"state\":\"dead\"}",
        "{\"state\":3}",
        "{\"state\":null}",
        "{\"state\":\"rejected\",\"reason\":7}",
        "{\"state\":\"rejected\",\"metric\":\"a metric with a long name\"}",
        "{\"state\":\"rejected\",\"fresh\":\"0.1\"}",
        "{\"state\":\"rejected\",\"n_cases\":-1}",
        "{\"state\":\"rejected\",\"n_cases\":1e20}",
        "{\"state\":\"rejected\",\"live_version\":\"m0123456789abcdef0\"}",
        "{\"state\":\"rejected\",\"state\":\"live\"}",
        "{\"state\":\"rejected\",\"reason\":\"\\u0000\"}",
        "{\"state\":\"rejected\"} x",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct error error = {0};
        struct verdict verdict = {.n_cases = 7};
        cr_expect_eq(verdict_parse(texts[i], strlen(texts[i]), &verdict, &error), STATUS_INVALID, "%s", texts[i]);
        cr_expect_neq(error.detail[0], '\0', "%s: no reason", texts[i]);
        cr_expect_eq(verdict.n_cases, 7, "%s: touched", texts[i]);
        put_file(VERSION ".verdict", texts[i], strlen(texts[i]));
        cr_expect_eq(read_verdict().state, VERDICT_LIVE, "%s", texts[i]);
    }
}

Test(verdict, counts_for_nothing_when_it_is_long)
{
    static char text[5000];
    memset(text, ' ', sizeof text);
    memcpy(text, "{\"state\":\"rejected\"}", 20);
    put_file(VERSION ".verdict", text, 4096);
    cr_expect_eq(read_verdict().state, VERDICT_REJECTED, "4096 bytes are allowed");
    put_file(VERSION ".verdict", text, sizeof text);
    cr_expect_eq(read_verdict().state, VERDICT_LIVE);
}

Test(verdict, passes_over_members_that_it_does_not_know)
{
    const char *text = "{\"state\":\"ready\",\"mood\":[1,{}]}";
    put_file(VERSION ".verdict", text, strlen(text));
    cr_expect_eq(read_verdict().state, VERDICT_READY);
}

Test(verdict, is_no_link_and_no_pipe, .timeout = 20)
{
    put_file("other", "{\"state\":\"rejected\"}", 20);
    cr_assert_eq(symlink("other", path_of(VERSION ".verdict")), 0);
    cr_expect_eq(read_verdict().state, VERDICT_LIVE);
    cr_assert_eq(unlink(path_of(VERSION ".verdict")), 0);
    cr_assert_eq(mkfifo(path_of(VERSION ".verdict"), 0600), 0);
    cr_expect_eq(read_verdict().state, VERDICT_LIVE);
    cr_assert_eq(unlink(path_of(VERSION ".verdict")), 0);
    cr_assert_eq(mkdir(path_of(VERSION ".verdict"), 0700), 0);
    cr_expect_eq(read_verdict().state, VERDICT_LIVE);
}

/* --- the files of DIR/models --- */

Test(model_files, are_named_by_versions)
{
    cr_expect(is_model_version(VERSION));
    static const char *const others[] = {
        "", "live", "m0123456789abcde", "m0123456789abcdef0", "M0123456789abcdef", "m0123456789ABCDEF", "m0123456789abcdeg"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect_not(is_model_version(others[i]), "%s", others[i]);
}

static enum status count_file(void *context, const struct model_file *file)
{
    cr_expect_str_eq(file->version, VERSION);
    ++*(int *)context;
    return STATUS_OK;
}

Test(model_files, are_no_other_files)
{
    int n = 0;
    static const char *const names[] = {VERSION ".safetensors", VERSION ".verdict", VERSION ".safetensors.new", "." VERSION ".1.partial",
                                        "model.safetensors"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        put_file(names[i], "", 0);
    cr_assert_eq(model_files_each(directory, count_file, &n, NULL), STATUS_OK);
    cr_expect_eq(n, 1);
    cr_expect_eq(model_files_each("/nowhere", count_file, &n, NULL), STATUS_IO);
}

/* The number of a process that has just ended. */
static long dead_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    return child;
}

Test(model_files, that_a_dead_training_has_begun_are_removed)
{
    char dead[96], dead_verdict[96], alive[96];
    long process = dead_process();
    (void)snprintf(dead, sizeof dead, "." VERSION ".%ld.partial", process);
    (void)snprintf(dead_verdict, sizeof dead_verdict, "." VERSION ".verdict.%ld.partial", process);
    (void)snprintf(alive, sizeof alive, "." VERSION ".%ld.partial", (long)getpid());
    static const char *const others[] = {"." VERSION ".partial", "." VERSION ".x.partial", "." VERSION ".99999999999999999999.partial",
                                         "." VERSION ".0.partial", ".other.1.partial"};
    put_file(dead, "", 0);
    put_file(dead_verdict, "", 0);
    put_file(alive, "", 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        put_file(others[i], "", 0);
    model_files_clean(directory);
    cr_expect_not(is_there(dead));
    cr_expect_not(is_there(dead_verdict));
    cr_expect(is_there(alive));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        cr_expect(is_there(others[i]), "%s", others[i]);
}

static void make_old(const char *name)
{
    struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000}};
    cr_assert_eq(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

Test(model_files, that_judge_no_model_are_removed_after_a_day)
{
    static const char *const old = "maaaaaaaaaaaaaaaa.verdict", *const fresh = "mbbbbbbbbbbbbbbbb.verdict",
                             *const kept = VERSION ".verdict";
    put_file(old, "{}", 2);
    put_file(fresh, "{}", 2);
    put_file(kept, "{}", 2);
    put_file(VERSION ".safetensors", "", 0);
    make_old(old);
    make_old(kept);
    model_files_clean(directory);
    cr_expect_not(is_there(old));
    cr_expect(is_there(fresh));
    cr_expect(is_there(kept), "its model is there");
}
