/* Users' profiles. PUT says what a profile is from now on, PATCH changes what is named; DELETE erases all that is known of a user. */
#include "server/api/api.h"
#include "server/api/body.h"
#include "server/api/handlers.h"
#include "server/api/query.h"
#include "server/api/writing.h"
#include "server/wire/user_input.h"

#include <assert.h>
#include <string.h>

/* The table without its first field, user_id: here the path names the user. */
static struct fields profile_fields(void)
{
    struct fields fields = user_input_fields;
    assert(strcmp(fields.fields[0].name, "user_id") == 0);
    fields.fields++;
    fields.n_fields--;
    return fields;
}

static enum status reply_user(struct exchange *exchange, unsigned code, struct error *error)
{
    struct user_profile profile;
    struct emit emit;
    TRY(app_user(api_of(exchange)->app, exchange_segment(exchange, 0), exchange_arena(exchange), &profile, error));
    emit_init(&emit, exchange_out(exchange));
    emit_open_object(&emit, NULL);
    emit_text(&emit, "user_id", profile.user_id);
    emit_raw(&emit, "attributes", profile.attributes);
    emit_time(&emit, "created_at", profile.created_at_ms);
    emit_time(&emit, "updated_at", profile.updated_at_ms);
    emit_integer(&emit, "recent_events", (int64_t)profile.n_events);
    emit_close_object(&emit);
    return exchange_reply(exchange, code, NULL);
}

enum status user_get(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    return reply_user(exchange, 200, error);
}

static enum status user_finish(struct exchange *exchange, struct error *error)
{
    struct write *write = NULL;
    TRY(writing_done(exchange, &write, error));
    return reply_user(exchange, write->created ? 201 : 200, error);
}

static enum status submit_user(struct exchange *exchange, const char *attributes, struct error *error)
{
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    if (!write)
        return fail(error, STATUS_NOMEM, "no memory for a user");
    *write = (struct write){.kind = WRITE_USER, .id = exchange_segment(exchange, 0), .attributes = attributes};
    return writing_submit(exchange, write, user_finish);
}

enum status user_put(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct fields fields = profile_fields();
    struct user_input input;
    TRY(query_refuse_all(exchange, error));
    enum status status = body_read(exchange, &fields, &input, NULL, &mistakes);
    return status == STATUS_OK ? submit_user(exchange, input.attributes, error) : refuse(exchange, status, &mistakes, error);
}

enum status user_patch(struct exchange *exchange, struct error *error)
{
    struct mistakes mistakes = {.n_mistakes = 0};
    struct fields fields = profile_fields();
    struct user_profile profile;
    struct user_input patch;
    uint64_t present = 0;
    TRY(query_refuse_all(exchange, error));
    enum status status = body_read(exchange, &fields, &patch, &present, &mistakes);
    if (status != STATUS_OK)
        return refuse(exchange, status, &mistakes, error);
    TRY(app_user(api_of(exchange)->app, exchange_segment(exchange, 0), exchange_arena(exchange), &profile, error));
    struct user_input input = {.attributes = profile.attributes};
    record_overlay(&fields, present, &patch, &input);
    return submit_user(exchange, input.attributes, error);
}

enum status user_delete(struct exchange *exchange, struct error *error)
{
    TRY(query_refuse_all(exchange, error));
    struct write *write = arena_alloc(exchange_arena(exchange), sizeof *write);
    if (!write)
        return fail(error, STATUS_NOMEM, "no memory for a user");
    *write = (struct write){.kind = WRITE_USER_ERASE, .id = exchange_segment(exchange, 0)};
    return writing_submit(exchange, write, writing_reply_nothing);
}
