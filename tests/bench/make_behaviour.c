/* Makes up behaviour of any size, for measuring how memory and time grow. Events come in the order of time, one a line, and none is kept:
 * the program holds 8 bytes a user. Same arguments, same bytes.
 *
 *     make_behaviour events USERS ITEMS EVENTS [ndjson|csv] [SEED]      the events, on standard output
 *     make_behaviour items ITEMS                                        the catalogue as NDJSON, so that every item is known
 *
 * Items stand in clusters of 100 at most. A user is somewhere in a cluster: the next item is mostly the neighbour of the last one, or a
 * popular one of the same cluster; now and then the user moves on to the cluster that follows this one, or to any. Popularity of clusters
 * and of items inside them is Zipf's (probability ~ 1 / rank), and some users do much more than others (density ~ 1 / sqrt). So there is
 * something to be learned: popularity, co-occurrence and order. It is made up, and no figure of quality on it means anything else. */
#include "core/base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER_ITEMS 100u
#define START_MS      INT64_C(1400000000000)
#define SPAN_MS       INT64_C(31536000000) /* a year */
#define LAST_NONE     UINT32_MAX

struct world {
    uint32_t n_users, n_items, n_clusters;
    uint64_t n_events;
    struct random random;
    uint32_t *last_item; /* [n_users] */
    uint32_t *cluster;   /* [n_users] */
};

/* 0 … n - 1 with probability about 1 / (rank + 1) / ln n: the logarithm is uniform. */
static uint32_t draw_zipf(struct random *random, uint32_t n)
{
    double rank = exp((double)random_uniform(random) * log((double)n + 1)) - 1;
    uint32_t whole = (uint32_t)rank;
    return whole < n ? whole : n - 1;
}

static uint32_t draw_user(struct world *world)
{
    double u = (double)random_uniform(&world->random) + (double)random_below(&world->random, 1u << 16) / 16777216.0 / 65536.0;
    uint32_t user = (uint32_t)(u * u * world->n_users);
    return user < world->n_users ? user : world->n_users - 1;
}

static uint32_t cluster_items(const struct world *world, uint32_t cluster)
{
    uint32_t first = cluster * CLUSTER_ITEMS;
    return world->n_items - first < CLUSTER_ITEMS ? world->n_items - first : CLUSTER_ITEMS;
}

/* Popular clusters are spread over the numbers, so that being popular cannot be read off an item's number. */
static uint32_t draw_cluster(struct world *world)
{
    return (uint32_t)((uint64_t)draw_zipf(&world->random, world->n_clusters) * 2654435761u % world->n_clusters);
}

static uint32_t next_item(struct world *world, uint32_t user)
{
    float what = random_uniform(&world->random);
    uint32_t last = world->last_item[user], cluster = world->cluster[user];
    bool moves = last == LAST_NONE || what < .15f;
    if (last == LAST_NONE || what < .05f)
        cluster = draw_cluster(world);
    else if (moves)
        cluster = (cluster + 1) % world->n_clusters;
    uint32_t n = cluster_items(world, cluster), place = draw_zipf(&world->random, n);
    if (!moves && what < .65f)
        place = (last % CLUSTER_ITEMS + 1) % n;
    world->cluster[user] = cluster;
    world->last_item[user] = cluster * CLUSTER_ITEMS + place;
    return world->last_item[user];
}

static int write_events(struct world *world, bool is_csv)
{
    const char *form = is_csv ? "e%llu,u%u,i%u,%s,%lld\n"
                              : "{\"event_id\":\"e%llu\",\"user_id\":\"u%u\",\"item_id\":\"i%u\",\"type\":\"%s\",\"timestamp\":%lld}\n";
    if (is_csv)
        (void)puts("event_id,user_id,item_id,type,timestamp");
    for (uint64_t event = 0; event < world->n_events; event++) {
        uint32_t user = draw_user(world), item = next_item(world, user);
        const char *type = random_below(&world->random, 10) == 0 ? "purchase" : "view";
        long long at_ms = START_MS + (int64_t)((double)event / (double)world->n_events * (double)SPAN_MS);
        if (printf(form, (unsigned long long)event, user, item, type, at_ms) < 0)
            return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static int write_items(uint32_t n_items)
{
    for (uint32_t item = 0; item < n_items; item++) {
        if (printf("{\"item_id\":\"i%u\",\"title\":\"Item %u\",\"categories\":[\"cluster %u\"]}\n", item, item, item / CLUSTER_ITEMS) < 0)
            return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}

static int make_events(int argc, char *argv[])
{
    struct world world = {.n_users = (uint32_t)strtoul(argv[2], NULL, 10),
                          .n_items = (uint32_t)strtoul(argv[3], NULL, 10),
                          .n_events = strtoull(argv[4], NULL, 10)};
    random_init(&world.random, argc > 6 ? strtoull(argv[6], NULL, 10) : 1, 0);
    world.n_clusters = (world.n_items + CLUSTER_ITEMS - 1) / CLUSTER_ITEMS;
    world.last_item = calloc((size_t)world.n_users + 1, sizeof *world.last_item);
    world.cluster = calloc((size_t)world.n_users + 1, sizeof *world.cluster);
    int code = 1;
    if (world.last_item && world.cluster && world.n_users && world.n_items) {
        memset(world.last_item, 0xff, world.n_users * sizeof *world.last_item);
        code = write_events(&world, argc > 5 && strcmp(argv[5], "csv") == 0);
    }
    free(world.last_item);
    free(world.cluster);
    return code;
}

int main(int argc, char *argv[])
{
    static char buffer[1 << 20];
    (void)setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (argc >= 5 && strcmp(argv[1], "events") == 0)
        return make_events(argc, argv);
    if (argc == 3 && strcmp(argv[1], "items") == 0)
        return write_items((uint32_t)strtoul(argv[2], NULL, 10));
    (void)fprintf(stderr, "usage: make_behaviour events USERS ITEMS EVENTS [ndjson|csv] [SEED]\n       make_behaviour items ITEMS\n");
    return 2;
}
