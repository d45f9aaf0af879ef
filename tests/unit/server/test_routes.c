/* The route table as data. */
#include "server/api/routes.h"

#include <criterion/criterion.h>
#include <string.h>

Test(routes, name_each_method_of_a_path_once)
{
    for (size_t i = 0; i < n_api_routes; i++)
        for (size_t k = 0; k < i; k++)
            cr_expect(api_routes[i].method != api_routes[k].method || strcmp(api_routes[i].path, api_routes[k].path) != 0,
                      "%s stands twice", api_routes[i].path);
}

Test(routes, have_a_handler_each)
{
    for (size_t i = 0; i < n_api_routes; i++)
        cr_expect(api_routes[i].handle, "%s", api_routes[i].path);
}

Test(routes, take_bodies_only_where_something_is_sent)
{
    for (size_t i = 0; i < n_api_routes; i++)
        if (api_routes[i].method == HTTP_GET || api_routes[i].method == HTTP_DELETE)
            cr_expect_eq(api_routes[i].bodies, BODY_NONE, "%s", api_routes[i].path);
}
