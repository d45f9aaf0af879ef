/* One line a route: method, path, bodies it takes, handler. Order does not matter; HEAD and OPTIONS are the router's. */
#include "server/api/routes.h"

#include "server/api/handlers.h"

/* clang-format off */
const struct route api_routes[] = {
    {HTTP_POST,   "/v1/events",                    BODY_JSON | BODY_NDJSON, events_post},

    {HTTP_GET,    "/v1/users/{user}",              BODY_NONE,               user_get},
    {HTTP_PUT,    "/v1/users/{user}",              BODY_JSON,               user_put},
    {HTTP_PATCH,  "/v1/users/{user}",              BODY_JSON,               user_patch},
    {HTTP_DELETE, "/v1/users/{user}",              BODY_NONE,               user_delete},
    {HTTP_GET,    "/v1/users/{user}/events",       BODY_NONE,               user_events_get},

    {HTTP_GET,    "/v1/items",                     BODY_NONE,               items_get},
    {HTTP_POST,   "/v1/items",                     BODY_JSON | BODY_NDJSON, items_post},
    {HTTP_GET,    "/v1/items/{item}",              BODY_NONE,               item_get},
    {HTTP_PUT,    "/v1/items/{item}",              BODY_JSON,               item_put},
    {HTTP_PATCH,  "/v1/items/{item}",              BODY_JSON,               item_patch},
    {HTTP_DELETE, "/v1/items/{item}",              BODY_NONE,               item_delete},
    {HTTP_GET,    "/v1/items/{item}/image",        BODY_NONE,               item_picture_get},
    {HTTP_PUT,    "/v1/items/{item}/image",        BODY_IMAGE,              item_picture_put},
    {HTTP_DELETE, "/v1/items/{item}/image",        BODY_NONE,               item_picture_delete},
    {HTTP_POST,   "/v1/images/classify",           BODY_IMAGE,              images_classify_post},
    {HTTP_GET,    "/v1/items/{item}/similar",      BODY_NONE,               similar_get},

    {HTTP_GET,    "/v1/recommendations",           BODY_NONE,               recommendations_get},
    {HTTP_POST,   "/v1/recommendations",           BODY_JSON,               recommendations_post},
    {HTTP_GET,    "/v1/popular",                   BODY_NONE,               popular_get},

    {HTTP_POST,   "/v1/retrain",                   BODY_JSON,               retrain_post},
    {HTTP_GET,    "/v1/jobs",                      BODY_NONE,               jobs_get},
    {HTTP_GET,    "/v1/jobs/{job}",                BODY_NONE,               job_get},
    {HTTP_DELETE, "/v1/jobs/{job}",                BODY_NONE,               job_delete},
    {HTTP_GET,    "/v1/models",                    BODY_NONE,               models_get},
    {HTTP_GET,    "/v1/models/{version}",          BODY_NONE,               model_get},
    {HTTP_POST,   "/v1/models/{version}/activate", BODY_NONE,               model_activate_post},

    {HTTP_GET,    "/healthz",                      BODY_NONE,               healthz_get},
    {HTTP_GET,    "/readyz",                       BODY_NONE,               readyz_get},
    {HTTP_GET,    "/metrics",                      BODY_NONE,               metrics_get},
    {HTTP_GET,    "/openapi.yaml",                 BODY_NONE,               openapi_yaml_get},
    {HTTP_GET,    "/openapi.json",                 BODY_NONE,               openapi_json_get},
    {HTTP_GET,    "/",                             BODY_NONE,               front_page_get},
};
/* clang-format on */

const size_t n_api_routes = sizeof api_routes / sizeof api_routes[0];
