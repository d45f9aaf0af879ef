/* The small things that must be the same where a file is written and where it is read. */
#include "core/safetensors_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct file_type_form file_types[] = {[FILE_F32] = {"F32", 4}, [FILE_I64] = {"I64", 8}, [FILE_U8] = {"U8", 1}};

void file_tensors_add(struct file_tensors *tensors, const char *name, enum file_type type, uint64_t rows, uint64_t columns)
{
    struct file_tensor *tensor = &tensors->tensors[tensors->n_tensors++];
    *tensor = (struct file_tensor){.type = type, .n_sides = columns ? 2 : 1, .sides = {rows, columns}};
    (void)snprintf(tensor->name, sizeof tensor->name, "%s", name);
}

uint64_t file_tensor_values(const struct file_tensor *tensor)
{
    uint64_t n = 1;
    for (unsigned i = 0; i < tensor->n_sides; i++)
        n *= tensor->sides[i];
    return n;
}

uint64_t file_tensor_bytes(const struct file_tensor *tensor)
{
    return file_tensor_values(tensor) * file_types[tensor->type].n_bytes;
}

void checksum_digits(const unsigned char checksum[CHECKSUM_BYTES], char out_digits[CHECKSUM_DIGITS + 1])
{
    sodium_bin2hex(out_digits, CHECKSUM_DIGITS + 1, checksum, CHECKSUM_BYTES);
}

void texts_checksum(const char *const words[], unsigned n_texts, char out_digits[CHECKSUM_DIGITS + 1])
{
    crypto_generichash_state state;
    unsigned char hash[CHECKSUM_BYTES];
    (void)crypto_generichash_init(&state, NULL, 0, sizeof hash);
    for (unsigned i = 0; i < n_texts; i++)
        if (words[i])
            (void)crypto_generichash_update(&state, (const unsigned char *)words[i], strlen(words[i]) + 1);
    (void)crypto_generichash_final(&state, hash, sizeof hash);
    checksum_digits(hash, out_digits);
}

void version_format(char letter, const unsigned char hash[CHECKSUM_BYTES], char out_version[FILE_VERSION_BYTES])
{
    out_version[0] = letter;
    sodium_bin2hex(out_version + 1, FILE_VERSION_BYTES - 1, hash, (FILE_VERSION_BYTES - 2) / 2);
}

bool file_hash(const char *path, unsigned char out_hash[CHECKSUM_BYTES])
{
    crypto_generichash_state state;
    unsigned char bytes[1 << 16];
    struct stat facts;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = file < 0 || fstat(file, &facts) || !S_ISREG(facts.st_mode) ? -1 : 1;
    (void)crypto_generichash_init(&state, NULL, 0, CHECKSUM_BYTES);
    while (n > 0) {
        n = read(file, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            (void)crypto_generichash_update(&state, bytes, (size_t)n);
    }
    if (file >= 0)
        (void)close(file);
    (void)crypto_generichash_final(&state, out_hash, CHECKSUM_BYTES);
    return n == 0;
}
