/* HTML text: what is put into pages passes through here, so that no id and no message can become markup. Threads: any. */
#ifndef APP_HTML_TEXT_H
#define APP_HTML_TEXT_H

#include "core/base/buffer.h"

/* Append text with & < > " ' written as entities; control characters but line ends are left out. */
void html_append_text(struct buffer *out, const char *text);

#endif
