/* A service whose items have small pictures of grey noise, and picture models of random weights, which know nothing but tell different
 * pictures apart. What fails ends the test. */
#ifndef TESTS_PAINTED_SHOP_H
#define TESTS_PAINTED_SHOP_H

#include "tests/unit/server/app_fixture.h"

#include "server/app/model_files.h"

enum { SHOP_SIDE = 12, SHOP_PIXELS = SHOP_SIDE * SHOP_SIDE };

void shop_open(struct fixture *fixture); /* fixture_open, with a decoder of pictures */

/* Every number is another picture. */
struct picture shop_paint(uint8_t pixels[SHOP_PIXELS], unsigned number);
void shop_put_picture(struct fixture *fixture, const char *item_id, unsigned number);

/* Write the file of a model (the service may be stopped); and let the service find it. */
void shop_write_model(struct fixture *fixture, uint64_t seed, char out_version[FILE_VERSION_BYTES]);
void shop_adopt_model(struct fixture *fixture, uint64_t seed, char out_version[FILE_VERSION_BYTES]);

void shop_wait(struct fixture *fixture); /* until the filler is through */

#endif
