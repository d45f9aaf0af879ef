/* The style sheet of pages that stand alone. */
#ifndef APP_PAGE_STYLE_H
#define APP_PAGE_STYLE_H

extern const char page_style[];

#endif
