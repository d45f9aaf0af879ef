/* RFC 3339 by hand, since strptime knows neither fractions nor offsets; the calendar is days-from-civil (H. Hinnant, "chrono-
 * compatible low-level date algorithms"). */
#include "core/base/clock.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS_A_DAY INT64_C(86400000)

int64_t clock_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t days_from_civil(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t days, int *out_year, int *out_month, int *out_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted_month = (5 * day_of_year + 2) / 153;
    *out_day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1);
    *out_month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    *out_year = (int)(year_of_era + era * 400 + (*out_month <= 2));
}

/* Exactly n digits at *text; advances it. -1 if they are not there. */
static int take_digits(const char **text, int n)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!isdigit((unsigned char)(*text)[i]))
            return -1;
        value = value * 10 + ((*text)[i] - '0');
    }
    *text += n;
    return value;
}

static bool take(const char **text, char expected)
{
    if (**text != expected)
        return false;
    (*text)++;
    return true;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* "Z", "+hh:mm" or "-hh:mm" at *text, as minutes to subtract. */
static bool take_offset(const char **text, int *out_minutes)
{
    if (take(text, 'Z') || take(text, 'z')) {
        *out_minutes = 0;
        return true;
    }
    int sign = **text == '+' ? 1 : **text == '-' ? -1 : 0;
    if (!sign)
        return false;
    (*text)++;
    int hours = take_digits(text, 2);
    if (hours < 0 || hours > 23 || !take(text, ':'))
        return false;
    int minutes = take_digits(text, 2);
    if (minutes < 0 || minutes > 59)
        return false;
    *out_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool clock_parse(const char *text, int64_t *out_at_ms)
{
    int year = take_digits(&text, 4);
    if (year < 0 || !take(&text, '-'))
        return false;
    int month = take_digits(&text, 2);
    if (month < 1 || month > 12 || !take(&text, '-'))
        return false;
    int day = take_digits(&text, 2);
    if (day < 1 || day > days_in_month(year, month) || !(take(&text, 'T') || take(&text, 't') || take(&text, ' ')))
        return false;
    int hour = take_digits(&text, 2);
    if (hour < 0 || hour > 23 || !take(&text, ':'))
        return false;
    int minute = take_digits(&text, 2);
    if (minute < 0 || minute > 59 || !take(&text, ':'))
        return false;
    int second = take_digits(&text, 2);
    if (second < 0 || second > 60) /* 60: a leap second counts as the next second */
        return false;
    int ms = 0;
    if (take(&text, '.')) {
        if (!isdigit((unsigned char)*text))
            return false;
        for (int scale = 100; isdigit((unsigned char)*text); text++, scale /= 10)
            ms += (*text - '0') * scale;
    }
    int offset_minutes;
    if (!take_offset(&text, &offset_minutes) || *text != '\0')
        return false;
    int64_t minutes = (int64_t)hour * 60 + minute - offset_minutes;
    *out_at_ms = days_from_civil(year, month, day) * MS_A_DAY + minutes * 60000 + (int64_t)second * 1000 + ms;
    return true;
}

void clock_format(int64_t at_ms, char out_text[CLOCK_TEXT_BYTES])
{
    int64_t first = days_from_civil(0, 1, 1) * MS_A_DAY, last = days_from_civil(10000, 1, 1) * MS_A_DAY - 1;
    at_ms = at_ms < first ? first : at_ms > last ? last : at_ms;
    int64_t days = at_ms / MS_A_DAY - (at_ms % MS_A_DAY < 0);
    unsigned ms = (unsigned)(at_ms - days * MS_A_DAY);
    int year, month, day;
    civil_from_days(days, &year, &month, &day);
    (void)snprintf(out_text, CLOCK_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000u, (unsigned)month % 100u,
                   (unsigned)day % 100u, ms / 3600000u % 24u, ms / 60000u % 60u, ms / 1000u % 60u, ms % 1000u);
}
