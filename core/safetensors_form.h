/* What the writer and the reader of core/safetensors.h share: types, checksums, versions. Their own piece. sodium_init was called.
 * Threads: any. */
#ifndef CORE_SAFETENSORS_FORM_H
#define CORE_SAFETENSORS_FORM_H

#include "core/safetensors.h"

#include <sodium.h>

#define CHECKSUM_DIGITS (2 * CHECKSUM_BYTES)

extern const struct file_type_form {
    const char *name;
    size_t n_bytes; /* of a value */
} file_types[];

void checksum_digits(const unsigned char checksum[CHECKSUM_BYTES], char out_digits[CHECKSUM_DIGITS + 1]);

/* Of the texts, one behind the other, each with its NUL; NULL is left out. It protects the header, which the checksum of the data does not.
 */
void texts_checksum(const char *const words[], unsigned n_texts, char out_digits[CHECKSUM_DIGITS + 1]);

void version_format(char letter, const unsigned char hash[CHECKSUM_BYTES], char out_version[FILE_VERSION_BYTES]);

/* Of all bytes of a regular file. False: it cannot be read. */
bool file_hash(const char *path, unsigned char out_hash[CHECKSUM_BYTES]);

#endif
