/* The handlers, by resource (a file each). All follow exchange.h: parse, one call, reply. Only the route table names them. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "server/http/exchange.h"

/* event_handlers.c */
enum status events_post(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status user_events_get(struct exchange *exchange, struct error *error) MUST_CHECK;

/* user_handlers.c */
enum status user_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status user_put(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status user_patch(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status user_delete(struct exchange *exchange, struct error *error) MUST_CHECK;

/* item_handlers.c */
enum status items_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status items_post(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status item_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status item_put(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status item_patch(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status item_delete(struct exchange *exchange, struct error *error) MUST_CHECK;

/* picture_handlers.c */
enum status item_picture_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status item_picture_put(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status item_picture_delete(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status images_classify_post(struct exchange *exchange, struct error *error) MUST_CHECK;

/* recommendation_handlers.c */
enum status recommendations_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status recommendations_post(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status popular_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status similar_get(struct exchange *exchange, struct error *error) MUST_CHECK;

/* job_handlers.c */
enum status retrain_post(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status jobs_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status job_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status job_delete(struct exchange *exchange, struct error *error) MUST_CHECK;

/* model_handlers.c */
enum status models_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status model_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status model_activate_post(struct exchange *exchange, struct error *error) MUST_CHECK;

/* operation_handlers.c */
enum status healthz_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status readyz_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status metrics_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status openapi_yaml_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status openapi_json_get(struct exchange *exchange, struct error *error) MUST_CHECK;
enum status front_page_get(struct exchange *exchange, struct error *error) MUST_CHECK;

#endif
