/* Text in UTF-8 passes as it is: only what could end a text or an attribute is written in another way. */
#include "server/app/html_text.h"

#include <string.h>

static const char *entity_of(char letter)
{
    switch (letter) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return NULL;
    }
}

void html_append_text(struct buffer *out, const char *text)
{
    for (; *text; text++) {
        const char *entity = entity_of(*text);
        if (entity)
            buffer_append_text(out, entity);
        else if ((unsigned char)*text >= 0x20 || *text == '\n')
            buffer_append(out, text, 1);
    }
}
