/* Readers: a few read-only connections to the store, shared by the threads that answer. The rare questions use them: a user's events, a
 * forgotten behaviour, profiles, the list of models. Threads: any. readers_acquire waits while all are out; give back with readers_release.
 */
#ifndef APP_READERS_H
#define APP_READERS_H

#include "storage/store.h"

#define READERS 2

struct readers;

/* Opens the connections; the directory must hold a store. */
enum status readers_open(const char *directory, struct readers **out_readers, struct error *error) MUST_CHECK;
void readers_close(struct readers *readers); /* none may be out. Accepts NULL */
DEFINE_SCOPED(struct readers *, readers_close);

struct store *readers_acquire(struct readers *readers);
void readers_release(struct readers *readers, struct store *store);

#endif
