/* Exported files: the model's bytes, or nothing. What is in an ONNX file: test_onnx_graph.c and tests/golden/check_onnx.py. */
#include "keras_fixture.h"

#include "server/exchange/keras_import.h"
#include "server/exchange/model_export.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES (FOLDER_BYTES + 64)

/* A data directory with the golden picture model. */
static void make_data(char out_folder[FOLDER_BYTES], char out_version[FILE_VERSION_BYTES])
{
    struct error error = {.detail = ""};
    folder_make(out_folder);
    enum adoption adoption = ADOPTED;
    cr_assert_eq(keras_import(out_folder, GOLDEN_KERAS, NULL, out_version, &adoption, &error), STATUS_OK, "%s", error.detail);
}

Test(model_export, copies_a_file_byte_for_byte)
{
    char folder[FOLDER_BYTES], version[FILE_VERSION_BYTES], from[PATH_BYTES], to[PATH_BYTES];
    size_t n = 0, n_copied = 0;
    make_data(folder, version);
    (void)snprintf(from, sizeof from, "%s/models/%s.safetensors", folder, version);
    (void)snprintf(to, sizeof to, "%s/copy", folder);
    cr_assert_eq(model_export(folder, version, EXPORT_SAFETENSORS, to, NULL), STATUS_OK);
    char *bytes = file_read(from, &n), *copied = file_read(to, &n_copied);
    cr_assert_eq(n, n_copied);
    cr_assert_arr_eq(bytes, copied, n);
    free(bytes);
    free(copied);
    folder_remove(folder);
}

Test(model_export, does_not_give_a_damaged_model_away)
{
    char folder[FOLDER_BYTES], version[FILE_VERSION_BYTES], from[PATH_BYTES], to[PATH_BYTES];
    struct error error = {.detail = ""};
    size_t n = 0;
    make_data(folder, version);
    (void)snprintf(from, sizeof from, "%s/models/%s.safetensors", folder, version);
    (void)snprintf(to, sizeof to, "%s/copy", folder);
    char *bytes = file_read(from, &n);
    bytes[n - 1] = (char)(bytes[n - 1] ^ 1);
    file_write(from, bytes, n);
    cr_assert_eq(model_export(folder, version, EXPORT_SAFETENSORS, to, &error), STATUS_CORRUPT, "%s", error.detail);
    cr_assert_eq(model_export(folder, version, EXPORT_ONNX, to, &error), STATUS_CORRUPT, "%s", error.detail);
    cr_assert_neq(access(to, F_OK), 0);
    free(bytes);
    folder_remove(folder);
}

Test(model_export, refuses_a_model_under_the_name_of_another)
{
    char folder[FOLDER_BYTES], version[FILE_VERSION_BYTES], from[PATH_BYTES], other[PATH_BYTES], to[PATH_BYTES];
    struct error error = {.detail = ""};
    make_data(folder, version);
    (void)snprintf(from, sizeof from, "%s/models/%s.safetensors", folder, version);
    (void)snprintf(other, sizeof other, "%s/models/p0123456789abcdef.safetensors", folder);
    (void)snprintf(to, sizeof to, "%s/copy", folder);
    cr_assert_eq(rename(from, other), 0);
    cr_assert_eq(model_export(folder, "p0123456789abcdef", EXPORT_SAFETENSORS, to, &error), STATUS_CORRUPT);
    cr_assert(strstr(error.detail, version), "%s", error.detail);
    cr_assert_neq(access(to, F_OK), 0);
    folder_remove(folder);
}

Test(model_export, refuses_what_is_no_version)
{
    static const char *const versions[] = {
        "", "p", "p0123456789abcde", "p0123456789abcdef0", "p0123456789ABCDEF", "q0123456789abcdef", "../../secrets"};
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++)
        cr_expect_eq(model_export("/nowhere", versions[v], EXPORT_SAFETENSORS, "/nowhere/file", NULL), STATUS_INVALID, "%s", versions[v]);
    cr_expect_eq(model_export("/nowhere", "m0123456789abcdef", EXPORT_ONNX, "/nowhere/file", NULL), STATUS_INVALID);
    cr_expect_eq(model_export("/nowhere", "m0123456789abcdef", EXPORT_SAFETENSORS, "/nowhere/file", NULL), STATUS_NOT_FOUND);
}

Test(model_export, says_when_the_output_cannot_be_written)
{
    char folder[FOLDER_BYTES], version[FILE_VERSION_BYTES], to[PATH_BYTES];
    struct error error = {.detail = ""};
    make_data(folder, version);
    (void)snprintf(to, sizeof to, "%s/none/copy", folder);
    cr_assert_eq(model_export(folder, version, EXPORT_ONNX, to, &error), STATUS_IO);
    cr_assert(strstr(error.detail, to), "%s", error.detail);
    folder_remove(folder);
}
