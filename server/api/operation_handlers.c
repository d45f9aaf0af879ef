/* For those who run the service: is it alive, is it ready, its figures, and the contract it keeps. */
#include "server/api/api.h"
#include "server/api/contract.h"
#include "server/api/handlers.h"
#include "server/api/query.h"

static const char front_page[] =
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>inkling</title>\n"
    "<style>body{font:1em/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}</style>\n"
    "<h1>inkling</h1>\n"
    "<p>This is a recommendation service. It logs what users do, learns from it, and answers with what they may like next.</p>\n"
    "<ul>\n"
    "<li><a href=\"/openapi.yaml\">openapi.yaml</a>: everything that can be asked, also as <a "
    "href=\"/openapi.json\">openapi.json</a></li>\n"
    "<li><a href=\"/v1/recommendations\">/v1/recommendations</a>: what a stranger is shown</li>\n"
    "<li><a href=\"/v1/models\">/v1/models</a> and <a href=\"/v1/jobs\">/v1/jobs</a>: what was trained</li>\n"
    "<li><a href=\"/healthz\">/healthz</a>, <a href=\"/readyz\">/readyz</a>, <a href=\"/metrics\">/metrics</a>: for operation</li>\n"
    "</ul>\n</html>\n";

enum status healthz_get(struct exchange *exchange, struct error *error)
{
    static const char alive[] = "{\"status\":\"ok\"}";
    TRY(query_refuse_all(exchange, error));
    return exchange_reply_static(exchange, 200, NULL, alive, sizeof alive - 1);
}

enum status readyz_get(struct exchange *exchange, struct error *error)
{
    static const char ready[] = "{\"status\":\"ready\"}";
    TRY(query_refuse_all(exchange, error));
    TRY(app_ready(api_of(exchange)->app, error));
    return exchange_reply_static(exchange, 200, NULL, ready, sizeof ready - 1);
}

enum status metrics_get(struct exchange *exchange, struct error *error)
{
    const struct api *api = api_of(exchange);
    TRY(query_refuse_all(exchange, error));
    app_metrics(api->app, exchange_out(exchange));
    if (api->listener)
        listener_metrics(api->listener, exchange_out(exchange));
    return exchange_reply(exchange, 200, "text/plain; version=0.0.4; charset=utf-8");
}

enum status openapi_yaml_get(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    return exchange_reply_static(exchange, 200, "application/yaml", contract_yaml, n_contract_yaml);
}

enum status openapi_json_get(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    return exchange_reply_static(exchange, 200, "application/json", contract_json, n_contract_json);
}

enum status front_page_get(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    return exchange_reply_static(exchange, 200, "text/html; charset=utf-8", front_page, sizeof front_page - 1);
}
