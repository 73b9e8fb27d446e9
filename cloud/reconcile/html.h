/* html: text, numbers and times from anywhere, written into an HTML page. Any input is safe: markup
 * is escaped, what is not UTF-8 becomes U+FFFD, and characters that nobody sees or that turn the
 * writing direction are shown by their number, as in [U+202E]. Errors stay in the stream: ferror at
 * the end. Threads: any. Layer above: page, chart. Below: stdio. */
#ifndef CLOUD_RECONCILE_HTML_H
#define CLOUD_RECONCILE_HTML_H

#include <stdint.h>
#include <stdio.h>

void html_text(FILE *to, const char *text);
/* With commas: 1,000,000. */
void html_count(FILE *to, uint64_t count);
/* "18 Nov 2026, 05:13" (UTC) in a time element; a dash for 0. */
void html_time(FILE *to, int64_t time_s);

#define HTML_COUNT_SIZE 27
char *html_count_text(uint64_t count, char text[static HTML_COUNT_SIZE]);

#endif
