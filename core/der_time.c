#include "der.h"

enum { UTC_LENGTH = 13, GENERALIZED_LENGTH = 15 };

/* Two digits, or -1. */
static int
pair_read(const unsigned char *text)
{
	if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9')
		return -1;
	return (text[0] - '0') * 10 + (text[1] - '0');
}

static int
days_of_month(int year, int month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days since 1970-01-01 in the Gregorian calendar; years from 0. */
static int64_t
days_since_1970(int year, int month, int day)
{
	int64_t days = 0;
	int before = year - 1;      /* whole years before this one; -1 for year 0, which is a leap year itself */

	days = (int64_t)before * 365;
	if (before >= 0)
		days += before / 4 - before / 100 + before / 400;
	else
		days--;
	for (int m = 1; m < month; m++)
		days += days_of_month(year, m);
	return days + day - 1 - 719162;     /* 0001-01-01 to 1970-01-01 */
}

bool
der_time(const struct der_value *value, int64_t *seconds)
{
	const unsigned char *text = value->content.data;
	size_t length = value->content.length;
	int century, year, part[5];         /* month, day, hour, minute, second */

	if (value->tag == DER_UTC_TIME && length == UTC_LENGTH) {
		year = pair_read(text);
		century = year >= 50 ? 19 : 20;
	} else if (value->tag == DER_GENERALIZED_TIME && length == GENERALIZED_LENGTH) {
		century = pair_read(text);
		year = pair_read(text + 2);
	} else {
		return false;
	}
	if (century < 0 || year < 0 || text[length - 1] != 'Z')
		return false;
	year += 100 * century;
	for (size_t i = 0; i < 5; i++) {
		part[i] = pair_read(text + length - 11 + 2 * i);
		if (part[i] < 0)
			return false;
	}
	if (part[0] < 1 || part[0] > 12 || part[1] < 1 || part[1] > days_of_month(year, part[0]))
		return false;
	if (part[2] > 23 || part[3] > 59 || part[4] > 59)
		return false;
	*seconds = ((days_since_1970(year, part[0], part[1]) * 24 + part[2]) * 60 + part[3]) * 60 + part[4];
	return true;
}
