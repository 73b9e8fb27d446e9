#include "serial/rules.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BY_PATH "/dev/serial/by-path/"
#define PORT "-port"
#define FILE_MAX 65536
#define LINE_SIZE 512
#define HEADER "# Names of the nests' lines, by socket. Written by imprint nest learn.\n"

/* "…-port3" is ID_PATH "…" and port number 3; NULL if there is no number. */
static const char *port_number(const char *name)
{
	const char *found = NULL;

	for (const char *at = name; (at = strstr(at, PORT)); at += strlen(PORT))
		found = at;
	if (!found || !isdigit((unsigned char)found[strlen(PORT)]))
		return NULL;
	return found[strlen(PORT) + strspn(found + strlen(PORT), "0123456789")] ? NULL : found;
}

/* What a rule holds against a line: all before SYMLINK. */
static bool match_of(const char *port, char ret_match[static LINE_SIZE], struct err *e)
{
	const char *name = port + strlen(BY_PATH), *number;
	int len;

	if (strncmp(port, BY_PATH, strlen(BY_PATH)) != 0 || !*name || strpbrk(name, "\"\\\n"))
		return err_set(e, ERR_INVALID, "%s is no name by socket", port);
	number = port_number(name);
	len = number ? snprintf(ret_match, LINE_SIZE,
				"SUBSYSTEM==\"tty\", ENV{ID_PATH}==\"%.*s\", "
				"ATTRS{port_number}==\"%s\"",
				(int)(number - name), name, number + strlen(PORT))
		     : snprintf(ret_match, LINE_SIZE, "SUBSYSTEM==\"tty\", ENV{ID_PATH}==\"%s\"",
				name);
	return len < LINE_SIZE || err_set(e, ERR_INVALID, "the name %s is too long", port);
}

static void name_of(const char *nest, char ret_name[static 64])
{
	snprintf(ret_name, 64, "SYMLINK+=\"imprint/%s\"", nest);
}

/* The rule, without its end. */
static bool put_line(const struct rule *rule, char ret_line[static LINE_SIZE], struct err *e)
{
	char match[LINE_SIZE], name[64];

	name_of(rule->nest, name);
	if (!match_of(rule->port, match, e))
		return false;
	return snprintf(ret_line, LINE_SIZE, "%s, %s", match, name) < LINE_SIZE ||
	       err_set(e, ERR_INVALID, "the name %s is too long", rule->port);
}

static bool is_replaced(const char *line, const struct rule *rules, size_t count)
{
	char match[LINE_SIZE], name[64];
	struct err ignored;

	for (size_t i = 0; i < count; i++) {
		name_of(rules[i].nest, name);
		if (strstr(line, name) || (match_of(rules[i].port, match, &ignored) &&
					   strncmp(line, match, strlen(match)) == 0 &&
					   strncmp(line + strlen(match), ", SYMLINK", 9) == 0))
			return true;
	}
	return false;
}

/* The header, what stays of the file that is there, and the new rules. */
static bool print(FILE *to, char *old, const struct rule *rules, size_t count, struct err *e)
{
	char line[LINE_SIZE];
	char *rest = old;

	fputs(HEADER, to);
	for (char *kept; (kept = strsep(&rest, "\n"));)
		if (*kept && strncmp(kept, HEADER, strlen(HEADER) - 1) != 0 &&
		    !is_replaced(kept, rules, count))
			fprintf(to, "%s\n", kept);
	for (size_t i = 0; i < count; i++) {
		if (!put_line(&rules[i], line, e))
			return false;
		fprintf(to, "%s\n", line);
	}
	return true;
}

static bool replace(const char *path, char *old, const struct rule *rules, size_t count,
		    struct err *e)
{
	char fresh[PATH_MAX];
	AUTO(FILE) file = NULL;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return err_set(e, ERR_INVALID, "the path %s is too long", path);
	file = fopen(fresh, "we");
	if (!file)
		return err_errno(e, ERR_SYSTEM, "cannot write %s", fresh);
	if (!print(file, old, rules, count, e)) {
		unlink(fresh);
		return false;
	}
	if (fflush(file) != 0 || fchmod(fileno(file), 0644) < 0 || fsync(fileno(file)) < 0 ||
	    rename(fresh, path) < 0) {
		err_errno(e, ERR_SYSTEM, "cannot write %s", path);
		unlink(fresh);
		return false;
	}
	return true;
}

bool rules_write(const char *path, const struct rule *rules, size_t count, struct err *e)
{
	AUTO_FREE uint8_t *old = NULL;
	size_t len;

	if (!file_read(path, FILE_MAX, &old, &len, e) && e->code != ERR_NOT_FOUND)
		return false;
	return replace(path, (char *)old, rules, count, e);
}
