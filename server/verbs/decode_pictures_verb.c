/* `inkling decode-pictures`: what the server starts for its pictures (server/pictures/decoder.h). Not for people: it speaks in structs. */
#include "server/pictures/decoder_child.h"
#include "server/verbs/verbs.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int decode_pictures_verb(int argc, char **argv)
{
    int type;
    socklen_t n_bytes = sizeof type;
    (void)argv;
    if (argc > 1 || getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &n_bytes)) {
        (void)fprintf(stderr, "inkling decode-pictures: started by `inkling serve` alone, on a socket\n");
        return EXIT_CODE_USAGE;
    }
    return decoder_child_run(STDIN_FILENO, picture_decode);
}
