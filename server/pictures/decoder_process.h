/* One child of the decoder: started, asked, ended. For decoder.c alone.
 * Threads: one, the same from start to end: the kernel ends the child when the thread that forked it ends. */
#ifndef PICTURES_DECODER_PROCESS_H
#define PICTURES_DECODER_PROCESS_H

#include "server/pictures/decoder_frame.h"

#include <stdbool.h>
#include <sys/types.h>

struct decoder_process {
    pid_t pid; /* 0: none */
    int socket;
};

/* Run `program decode-pictures`: niced, no signals blocked, no file of ours but standard error, no environment but what loaders and
 * sanitizers read. STATUS_BUSY: no process to be had; STATUS_IO: it does not get ready. */
enum status decoder_process_start(struct decoder_process *process, const char *program, struct error *error) MUST_CHECK;

/* Is there one that waits for a picture? One that has died meanwhile, or speaks without being asked, is ended here. */
bool decoder_process_is_ready(struct decoder_process *process);

/* Have a file decoded. STATUS_OK: the answer is there and its values are possible ones, whatever it says. STATUS_INVALID: the process did
 * not live, did not answer within deadline_ms or answered nonsense; it is ended. */
enum status decoder_process_ask(struct decoder_process *process, const uint8_t *bytes, uint32_t n_bytes, unsigned deadline_ms,
                                struct decoder_answer *out_answer, struct error *error) MUST_CHECK;

void decoder_process_end(struct decoder_process *process); /* also if there is none */

#endif
