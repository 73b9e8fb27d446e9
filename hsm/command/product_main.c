/* imprint-product: behind `imprint product`. Shows every mistake in a product file, or what a
 * certificate of it looks like. It needs no token and no signer, and may be run by anybody. The
 * station's part is checked by imprint-station, which lies beside this program. */
#include "base/place.h"
#include "base/program.h"
#include "hsm/command/sample.h"
#include "hsm/product/product_match.h"
#include "hsm/product/unit_pattern.h"

#include <argp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

AUTO_DEFINE(X509, X509 *, X509_free)

#define STATION_PROGRAM "imprint-station"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE };

struct arguments {
	const char *command, *operand, *unit;
};

static bool check(const struct arguments *arguments);
static bool print_root(const struct arguments *arguments);

static const struct {
	const char *name;
	bool (*run)(const struct arguments *arguments);
} commands[] = {
	{ "check", check },
	{ "root", print_root },
};

/* NULL: there is none of that name. */
static bool (*find_command(const char *name))(const struct arguments *arguments)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].run;
	return NULL;
}

static const struct argp_option options[] = {
	{ "unit", 'u', "ID", 0, "Show the certificate of this unit", 0 },
	{ 0 },
};

static error_t take_argument(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'u':
		arguments->unit = value;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			argp_error(state, "one at a time");
		*(state->arg_num ? &arguments->operand : &arguments->command) = value;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->operand || !find_command(arguments->command))
			argp_error(state, "say: imprint product check FILE, or root NAME");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp parser = {
	options,
	take_argument,
	"check FILE\nroot NAME",
	"check: show a sample certificate of a product to approve, or every mistake in its file "
	"with line and column. root: print the server root that the boards of a product trust.",
	NULL,
	NULL,
	NULL,
};

static void print_mistake(void *context, const struct err *mistake)
{
	(void)context;
	fprintf(stderr, "%s\n", mistake->text);
}

static bool choose_unit(const struct product *product, const char *wanted,
			char ret_unit[static NAME_MAX_LEN + 1], struct err *e)
{
	if (!wanted)
		return unit_pattern_example(&product->unit_pattern, ret_unit) ||
		       err_set(e, ERR_INVALID,
			       "no example of a unit id is known for %s: name one with --unit ID",
			       product->unit_pattern_text);
	if (!product_allows_unit(product, wanted))
		return err_set(e, ERR_INVALID, "the unit id \"%.64s\" does not match %s", wanted,
			       product->unit_pattern_text);
	strcpy(ret_unit, wanted);
	return true;
}

/* "certificate + issuer" */
static void print_content(const struct product_file *file)
{
	char text[80] = "";

	for (size_t i = 0; i < file->content_count; i++) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " + " : "",
			 product_content_name(file->content[i]));
	}
	printf("  %-32s  %-36s", file->name, text);
}

static bool print_files(const struct product *product, const struct sample *sample, struct err *e)
{
	printf("\nFiles for the board (sizes with the sample CA):\n  %-32s  %-36s  %-8s  %s\n",
	       "name", "content", "encoding", "bytes");
	for (size_t i = 0; i < product->file_count; i++) {
		const struct product_file *file = &product->files[i];
		AUTO_FREE uint8_t *data = NULL;
		size_t len;

		if (!certificate_file(sample->ca, product, file, bytes_of(sample->der, sample->len),
				      &data, &len, e))
			return false;
		print_content(file);
		printf("  %-8s  %zu\n", product_encoding_name(file), len);
	}
	return true;
}

static bool show_sample(const struct product *product, const char *wanted, struct err *e)
{
	__attribute__((cleanup(sample_clear))) struct sample sample = { 0 };
	char unit[NAME_MAX_LEN + 1];

	if (!choose_unit(product, wanted, unit, e) || !sample_make(product, unit, &sample, e))
		return false;
	printf("Product %s, sample for the unit %s. Issuer, serial, key and times are "
	       "examples.\n\n",
	       product->name, unit);
	return sample_print(&sample, stdout, e) && print_files(product, &sample, e);
}

/* It prints its own mistakes. */
static bool check_station_part(const char *file, struct err *e)
{
	const char *const words[] = { STATION_PROGRAM, "--check-product", file, NULL };
	int status;

	if (!program_run(STATION_PROGRAM, words, &status, e))
		return err_add(e, "the board part is not checked");
	return status == EXIT_DONE ||
	       err_set(e, ERR_INVALID, "the board part of %s has mistakes", file);
}

/* Both parts are looked at, whatever the first one has; a sample comes of a good file alone. */
static bool check(const struct arguments *arguments)
{
	AUTO(product) product = NULL;
	bool board = true, good;
	struct err e;

	good = product_load_reported(arguments->operand, print_mistake, NULL, &product, &e);
	if (!good && e.code != ERR_INVALID)
		return false;
	if (good && !product_match(arguments->operand, product, print_mistake, NULL, &board, &e))
		good = false;
	if (board && !check_station_part(arguments->operand, &e)) {
		print_mistake(NULL, &e);
		good = false;
	}
	if (good && !show_sample(product, arguments->unit, &e)) {
		print_mistake(NULL, &e);
		good = false;
	}
	if (good && !board)
		printf("\nNo board part: this product serves imprint issue alone.\n");
	return good;
}

static bool load_named(const char *name, struct product **ret_product, struct err *e)
{
	char file[NAME_MAX_LEN + 32], path[PATH_MAX];

	if (!*name || strlen(name) > NAME_MAX_LEN || strchr(name, '/'))
		return err_set(e, ERR_USAGE, "\"%.64s\" is no name of a product", name);
	snprintf(file, sizeof(file), "products/%s.yaml", name);
	return place_path(PLACE_ETC, file, path, e) && product_load(path, ret_product, e);
}

static bool print_certificates(struct bytes ders, struct err *e)
{
	while (ders.len) {
		const uint8_t *at = ders.data;
		AUTO(X509) certificate = d2i_X509(NULL, &at, (long)ders.len);

		if (!certificate || !PEM_write_X509(stdout, certificate))
			return err_set(e, ERR_SYSTEM, "cannot write the server root");
		ders = bytes_of(at, ders.len - (size_t)(at - ders.data));
	}
	return true;
}

static bool print_root_of(const char *name, struct err *e)
{
	AUTO(product) product = NULL;

	if (!load_named(name, &product, e))
		return false;
	if (product->server_root_len == 0)
		return err_set(
			e, ERR_NOT_FOUND,
			"the product %s names no server_root; add one (server_root: FILE) to "
			"its file, products/%s.yaml",
			name, name);
	return print_certificates(bytes_of(product->server_root, product->server_root_len), e);
}

static bool print_root(const struct arguments *arguments)
{
	struct err e;

	if (print_root_of(arguments->operand, &e))
		return true;
	fprintf(stderr, "imprint: %s\n", e.text);
	return false;
}

int main(int argc, char **argv)
{
	struct arguments arguments = { 0 };

	argp_err_exit_status = EXIT_USAGE;
	if (argp_parse(&parser, argc, argv, 0, NULL, &arguments))
		return EXIT_USAGE;
	return find_command(arguments.command)(&arguments) ? EXIT_DONE : EXIT_REFUSED;
}
