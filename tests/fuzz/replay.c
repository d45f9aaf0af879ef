/* Runs one fuzzer over files: every file of the folders (or the files) named on the command line, once each. So the corpus is a test that any
 * compiler can build, also where libFuzzer is not; with libFuzzer this file is left out and its own main takes the place.
 * A finding ends the program by itself (sanitizer or assert). No input at all is a failure: a corpus that moved must not pass. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n_bytes);

/* Run one file, and the file cut to half: a truncated form of everything comes for free. Returns 0 if it could not be read. */
static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return 0;
    size_t n_bytes = 0, room = 1 << 20;
    uint8_t *bytes = malloc(room);
    if (bytes)
        n_bytes = fread(bytes, 1, room, file);
    fclose(file);
    if (!bytes)
        return 0;
    uint8_t *exact = malloc(n_bytes ? n_bytes : 1); /* of just that size: a read past the end is then seen */
    if (exact) {
        memcpy(exact, bytes, n_bytes);
        LLVMFuzzerTestOneInput(exact, n_bytes);
        LLVMFuzzerTestOneInput(exact, n_bytes / 2);
    }
    free(exact);
    free(bytes);
    return exact != NULL;
}

static int replay_folder(const char *path)
{
    int n_files = 0;
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char name[4096];
        struct stat facts;
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name && stat(name, &facts) == 0 && S_ISREG(facts.st_mode))
            n_files += replay_file(name);
    }
    if (folder)
        closedir(folder);
    return n_files;
}

int main(int argc, char *argv[])
{
    int n_files = 0;
    for (int i = 1; i < argc; i++) {
        struct stat facts;
        if (stat(argv[i], &facts) == 0)
            n_files += S_ISDIR(facts.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    printf("%d files\n", n_files);
    return n_files > 0 ? 0 : 1;
}
