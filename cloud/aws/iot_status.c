#include "cloud/aws/iot.h"

#include <string.h>

static const char *const status_names[] = {
	[IOT_ACTIVE] = "ACTIVE",
	[IOT_INACTIVE] = "INACTIVE",
	[IOT_REVOKED] = "REVOKED",
	[IOT_PENDING_TRANSFER] = "PENDING_TRANSFER",
	[IOT_REGISTER_INACTIVE] = "REGISTER_INACTIVE",
	[IOT_PENDING_ACTIVATION] = "PENDING_ACTIVATION",
};
#define STATUS_END (sizeof(status_names) / sizeof(*status_names))

const char *iot_status_name(enum iot_status status)
{
	return status >= IOT_ACTIVE && (size_t)status < STATUS_END ? status_names[status] : "";
}

bool iot_status_of(const char *name, size_t len, enum iot_status *ret_status)
{
	for (size_t i = IOT_ACTIVE; i < STATUS_END; i++)
		if (strlen(status_names[i]) == len && memcmp(status_names[i], name, len) == 0) {
			*ret_status = (enum iot_status)i;
			return true;
		}
	return false;
}
