/* `inkling serve`: the service, from start to SIGTERM. Things are opened in the order in which they need one another; scope closes them in
 * reverse. */
#include "core/base/log.h"
#include "core/base/node.h"
#include "core/base/workers.h"
#include "server/api/api.h"
#include "server/api/routes.h"
#include "server/http/listener.h"
#include "server/verbs/verb_settings.h"
#include "server/verbs/interrupt.h"
#include "server/verbs/verbs.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_SLACK_BYTES (64u << 10)  /* of a request's arena beside the scratch of a ranking */
#define REQUEST_MAX_BYTES   (256u << 20) /* the scratch of a catalogue of ten million items, or a batch of the largest size parsed */

static const char help_head[] = "Usage: inkling serve --data DIR [options]\n"
                                "\n"
                                "Take in events, answer with recommendations, train on request: the service, over HTTP.\n"
                                "DIR is made if it is not there; one server at a time holds it. SIGTERM or Ctrl-C stop it:\n"
                                "what came in is answered, what was acknowledged is on the disk.\n"
                                "\n"
                                "  --data DIR         the data directory\n"
                                "  --address A        the address to listen on (http.address)\n"
                                "  --port N           the port, 0 for any free one (http.port)\n"
                                "  --port-file FILE   write the port to FILE once requests are answered\n"
                                "  --set NAME=VALUE   any setting of the table below\n"
                                "  --help             this text\n"
                                "\n"
                                "Settings come from DIR/inkling.conf ([http] on one line, port = 8080 on the next), then the\n"
                                "environment (INKLING_HTTP_PORT=8080), then the command line; the later wins.\n"
                                "\n";

static const char help_tail[] = "\n"
                                "Example:\n"
                                "  inkling serve --data /var/lib/inkling --port 8080\n"
                                "\n"
                                "Ends with 0 after an orderly stop, 1 if it could not start, 2 on wrong usage, 4 if another\n"
                                "process holds DIR.\n";

struct serve_options {
    struct verb_settings settings;
    const char *port_file;
    bool wants_help;
    char sets[2][128]; /* --address and --port as settings */
};

static int usage(const char *words)
{
    (void)fprintf(stderr, "inkling serve: %s. See: inkling serve --help\n", words);
    return EXIT_CODE_USAGE;
}

static int add_set(struct serve_options *options, const char *set)
{
    return verb_settings_add(&options->settings, set) ? EXIT_CODE_DONE : usage("too many --set");
}

static int read_options(int argc, char **argv, struct serve_options *options)
{
    static const struct option long_options[] = {
        {"data", required_argument, NULL, 'd'},
        {"address", required_argument, NULL, 'a'},
        {"port", required_argument, NULL, 'p'},
        {"port-file", required_argument, NULL, 'f'},
        {"set", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int code = EXIT_CODE_DONE;
    optind = 0;
    for (int option; code == EXIT_CODE_DONE && (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        switch (option) {
        case 'd': options->settings.directory = optarg; break;
        case 'f': options->port_file = optarg; break;
        case 'h': options->wants_help = true; break;
        case 's': code = add_set(options, optarg); break;
        case 'a':
            (void)snprintf(options->sets[0], sizeof options->sets[0], "http.address=%s", optarg);
            code = add_set(options, options->sets[0]);
            break;
        case 'p':
            (void)snprintf(options->sets[1], sizeof options->sets[1], "http.port=%s", optarg);
            code = add_set(options, options->sets[1]);
            break;
        default: code = usage("wrong option");
        }
    }
    return code == EXIT_CODE_DONE && optind < argc ? usage("no arguments are expected behind the options") : code;
}

static int print_help(void)
{
    SCOPED(buffer_clear) struct buffer table;
    buffer_init(&table, 1u << 20);
    settings_help(&table);
    bool ok = fputs(help_head, stdout) >= 0 && fputs(table.bytes ? table.bytes : "", stdout) >= 0 && fputs(help_tail, stdout) >= 0;
    return ok && fflush(stdout) == 0 ? EXIT_CODE_DONE : EXIT_CODE_FAILED;
}

/* Without keys nobody outside this machine may be let in. */
static bool is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static void set_log_level(const char *name)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(name, names[i]) == 0)
            log_set_level((enum log_level)i);
    }
}

/* Under a temporary name first: whoever waits for the file never reads half a number. */
static enum status write_port_file(const char *path, uint16_t port, struct error *error)
{
    char temporary[4096];
    if (!path)
        return STATUS_OK;
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return fail(error, STATUS_INVALID, "the path of --port-file is too long");
    FILE *file = fopen(temporary, "w");
    bool ok = file && fprintf(file, "%u\n", port) > 0;
    ok = (!file || fclose(file) == 0) && ok && rename(temporary, path) == 0;
    return ok ? STATUS_OK : fail(error, STATUS_IO, "cannot write --port-file %.200s", path);
}

static struct listener_options listener_options_of(const struct settings *settings, struct api *api)
{
    return (struct listener_options){
        .address = settings->http_address,
        .port = (uint16_t)settings->http_port,
        .n_threads = settings->http_threads ? (unsigned)settings->http_threads : workers_processors(),
        .max_connections = (unsigned)settings->http_max_connections,
        .max_body_bytes = (size_t)settings->http_max_body_bytes,
        .max_bodies_bytes = (size_t)settings->http_max_bodies_bytes,
        .max_image_bytes = (size_t)settings->pictures_max_bytes,
        .request_block_bytes = app_scratch_bytes(api->app) + REQUEST_SLACK_BYTES,
        .request_max_bytes = REQUEST_MAX_BYTES,
        .idle_seconds = (unsigned)settings->http_idle_seconds,
        .deadline_seconds = (unsigned)settings->http_deadline_seconds,
        .drain_seconds = (unsigned)settings->http_drain_seconds,
        .routes = api_routes,
        .n_routes = n_api_routes,
        .enter = api_enter,
        .leave = api_leave,
        .context = api,
    };
}

static enum status serve(const struct serve_options *options, const struct settings *settings, const sigset_t *stop, struct error *error)
{
    SCOPED(app_close) struct app *app = NULL;
    SCOPED(listener_stop) struct listener *listener = NULL;
    TRY(app_open(settings, &app, error));
    struct api api = {.app = app, .settings = settings};
    struct listener_options listening = listener_options_of(settings, &api);
    TRY(listener_start(&listening, &listener, error));
    api.listener = listener;
    TRY(write_port_file(options->port_file, listener_port(listener), error));
    bool is_v6 = strchr(settings->http_address, ':') != NULL;
    log_line(LOG_INFO, "serve", "serving %s on http://%s%s%s:%u (loopback only: no keys are configured)", settings->data_directory,
             is_v6 ? "[" : "", settings->http_address, is_v6 ? "]" : "", listener_port(listener));
    int signal_number;
    (void)sigwait(stop, &signal_number);
    log_line(LOG_INFO, "serve", "stopping on %s: answering what came in", signal_number == SIGTERM ? "SIGTERM" : "SIGINT");
    app_begin_stop(app);
    return STATUS_OK;
}

int serve_verb(int argc, char **argv)
{
    struct serve_options options = {0};
    struct settings settings;
    struct error error = {0};
    sigset_t stop;
    int code = read_options(argc, argv, &options);
    if (code != EXIT_CODE_DONE)
        return code;
    if (options.wants_help)
        return print_help();
    if (verb_settings_load(&options.settings, &settings, &error) != STATUS_OK)
        return usage(error.detail);
    if (!is_loopback(settings.http_address))
        return usage("http.address must be a loopback address (127.0.0.1, ::1) as long as no keys are configured");
    set_log_level(settings.log_level);
    (void)signal(SIGPIPE, SIG_IGN);
    interrupt_begin(&stop);
    node_start();
    enum status status = serve(&options, &settings, &stop, &error);
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "inkling serve: %s\n", error.detail[0] ? error.detail : status_text(status));
        return status == STATUS_BUSY ? EXIT_CODE_IN_USE : EXIT_CODE_FAILED;
    }
    log_line(LOG_INFO, "serve", "stopped");
    return EXIT_CODE_DONE;
}
