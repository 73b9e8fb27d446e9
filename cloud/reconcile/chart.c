#include "cloud/reconcile/chart.h"

#include "cloud/reconcile/html.h"

#include <inttypes.h>

#define WIDTH 720.0
#define LEAST 4.0  /* of a segment or bar that is not 0: nothing vanishes beside a million */
#define GAP 10.0   /* between labels */
#define LETTER 9.0 /* of a bold label, in the widest font that is likely */
#define AGE_HEIGHT 20
#define AGE_LEFT 130
#define AGE_RIGHT 220

/* From left to right: what is well, what waits, what is over, and at the end what differs. */
static const struct part {
	enum reconcile_class class;
	const char *label;
} parts[CLASS_COUNT] = {
	{ CLASS_ACTIVE, "active" },
	{ CLASS_PENDING, "pending" },
	{ CLASS_INACTIVE, "inactive" },
	{ CLASS_UNSEEN, "not yet seen" },
	{ CLASS_GONE, "never seen" },
	{ CLASS_REVOKED, "revoked" },
	{ CLASS_REVOKED_THERE, "revoked there" },
	{ CLASS_LIVE, "live there" },
	{ CLASS_UNKNOWN, "never issued" },
};

struct segment {
	const struct part *part;
	uint64_t count;
	double x, width, label_x, label_width;
};

/* The certificates of all classes; as a double, for no sum of counts may run over. */
static double total(const struct reconcile_summary *s)
{
	double sum = 0;

	for (size_t i = 0; i < CLASS_COUNT; i++)
		sum += (double)s->counts[i];
	return sum;
}

static double label_width(const char *label, uint64_t count)
{
	char text[HTML_COUNT_SIZE];
	size_t name = strlen(label), number = strlen(html_count_text(count, text));

	return LETTER * (double)(name > number ? name : number);
}

/* In proportion; what the smallest need more than that, the largest gives. Returns how many. */
static size_t lay_out(const struct reconcile_summary *s, struct segment segments[CLASS_COUNT])
{
	double sum = total(s), used = 0;
	size_t count = 0, largest = 0;

	for (size_t i = 0; i < CLASS_COUNT; i++) {
		struct segment *g = &segments[count];
		uint64_t n = s->counts[parts[i].class];

		if (n == 0)
			continue;
		*g = (struct segment) { &parts[i], n,
					0,	   WIDTH * (double)n / sum,
					0,	   label_width(parts[i].label, n) };
		g->width = g->width < LEAST ? LEAST : g->width;
		used += g->width;
		largest = g->width > segments[largest].width ? count : largest;
		count++;
	}
	if (count)
		segments[largest].width -= used - WIDTH;
	for (size_t i = 1; i < count; i++)
		segments[i].x = segments[i - 1].x + segments[i - 1].width;
	return count;
}

/* The labels of one side, each over the middle of its segment where the others let it: pushed right
 * by the one before, then back from the right edge. */
static void place_labels(struct segment *segments, size_t count, bool differing)
{
	double from = 0, to = WIDTH;

	for (size_t i = 0; i < count; i++) {
		struct segment *g = &segments[i];
		double wanted = g->x + g->width / 2 - g->label_width / 2;

		if (reconcile_class_differs(g->part->class) != differing)
			continue;
		g->label_x = wanted > from ? wanted : from;
		from = g->label_x + g->label_width + GAP;
	}
	for (size_t i = count; i > 0; i--) {
		struct segment *g = &segments[i - 1];

		if (reconcile_class_differs(g->part->class) != differing)
			continue;
		if (g->label_x + g->label_width > to)
			g->label_x = to - g->label_width;
		to = g->label_x - GAP;
	}
}

/* Above the bar what differs, below it the rest. */
struct side {
	int name_y, count_y, line_from, line_bend, line_to;
};
static const struct side above = { 14, 29, 33, 48, 52 }, below = { 113, 128, 99, 84, 80 };

static void print_label(FILE *to, const struct segment *g)
{
	bool differs = reconcile_class_differs(g->part->class);
	const struct side *side = differs ? &above : &below;
	double middle = g->x + g->width / 2, label = g->label_x + g->label_width / 2;

	fprintf(to,
		"<path class=\"c-line\" d=\"M%.1f %dL%.1f %dV%d\"/>"
		"<text class=\"%s\" x=\"%.1f\" y=\"%d\">%s</text>"
		"<text class=\"c-count\" x=\"%.1f\" y=\"%d\">",
		label, side->line_from, middle, side->line_bend, side->line_to,
		differs ? "c-differs" : "c-name", label, side->name_y, g->part->label, label,
		side->count_y);
	html_count(to, g->count);
	fputs("</text>\n", to);
}

static void describe(FILE *to, const struct segment *segments, size_t count)
{
	fputs("<title id=\"classes-title\">Certificates by class</title>"
	      "<desc id=\"classes-desc\">",
	      to);
	for (size_t i = 0; i < count; i++) {
		fprintf(to, "%s%s ", i ? ", " : "", segments[i].part->label);
		html_count(to, segments[i].count);
	}
	fputs(count ? ".</desc>\n" : "No certificate on either side.</desc>\n", to);
}

void chart_classes(FILE *to, const struct reconcile_summary *s)
{
	struct segment segments[CLASS_COUNT];
	size_t count = lay_out(s, segments);
	/* The last part is one that differs if any does: without them nothing stands above. */
	int top = count && reconcile_class_differs(segments[count - 1].part->class) ? 0 : 46;

	place_labels(segments, count, true);
	place_labels(segments, count, false);
	fprintf(to,
		"<svg class=\"chart\" viewBox=\"0 %d %.0f %d\" role=\"img\" "
		"aria-labelledby=\"classes-title classes-desc\">\n",
		top, WIDTH, 134 - top);
	describe(to, segments, count);
	if (!count)
		fprintf(to,
			"<rect class=\"c-empty\" x=\".5\" y=\"53\" width=\"%.0f\" "
			"height=\"26\"/>"
			"<text class=\"c-name\" x=\"%.0f\" y=\"70\">No certificate on either "
			"side</text>\n",
			WIDTH - 1, WIDTH / 2);
	for (size_t i = 0; i < count; i++) {
		fprintf(to,
			"<rect class=\"c-%s\" x=\"%.1f\" y=\"53\" width=\"%.1f\" height=\"26\"/>",
			reconcile_class_name(segments[i].part->class), segments[i].x,
			segments[i].width);
		print_label(to, &segments[i]);
	}
	fputs("</svg>\n", to);
}

static void age_name(size_t age, char *ret_text, size_t size)
{
	if (age == 0)
		snprintf(ret_text, size, "up to %u days", reconcile_age_days[0]);
	else if (age < RECONCILE_AGES - 1)
		snprintf(ret_text, size, "%u to %u days", reconcile_age_days[age - 1] + 1,
			 reconcile_age_days[age]);
	else
		snprintf(ret_text, size, "over %u days", reconcile_age_days[age - 1]);
}

static void print_age(FILE *to, size_t age, uint64_t count, uint64_t most)
{
	bool old = age > 0 && reconcile_age_days[age - 1] >= RECONCILE_OLD_DAYS && count;
	double width = most ? (WIDTH - AGE_LEFT - AGE_RIGHT) * (double)count / (double)most : 0;
	int y = (int)age * AGE_HEIGHT;
	char name[32];

	if (count && width < LEAST)
		width = LEAST;
	age_name(age, name, sizeof(name));
	fprintf(to,
		"<text class=\"c-age\" x=\"%d\" y=\"%d\">%s</text>"
		"<rect class=\"%s\" x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>"
		"<text class=\"c-value\" x=\"%.1f\" y=\"%d\">",
		AGE_LEFT - 8, y + 15, name, old ? "c-old" : "c-unseen", AGE_LEFT, y + 3, width,
		AGE_HEIGHT - 6, AGE_LEFT + width + 8, y + 15);
	html_count(to, count);
	fputs(old ? " – where are they?</text>\n" : "</text>\n", to);
}

void chart_ages(FILE *to, const struct reconcile_summary *s)
{
	uint64_t most = 0;

	for (size_t i = 0; i < RECONCILE_AGES; i++)
		most = s->unseen_by_age[i] > most ? s->unseen_by_age[i] : most;
	fprintf(to,
		"<svg class=\"chart\" viewBox=\"0 0 %.0f %d\" role=\"img\" "
		"aria-labelledby=\"ages-title ages-desc\">\n"
		"<title id=\"ages-title\">Issued, not yet seen, by age</title>"
		"<desc id=\"ages-desc\">Days since the certificate was issued, and how "
		"many.</desc>\n",
		WIDTH, RECONCILE_AGES * AGE_HEIGHT);
	for (size_t i = 0; i < RECONCILE_AGES; i++)
		print_age(to, i, s->unseen_by_age[i], most);
	fputs("</svg>\n", to);
}

void chart_swatch(FILE *to, enum reconcile_class class)
{
	fprintf(to,
		"<svg class=\"swatch\" viewBox=\"0 0 12 12\" aria-hidden=\"true\">"
		"<rect class=\"c-%s\" width=\"12\" height=\"12\"/></svg>",
		reconcile_class_name(class));
}
