/* The bounds between the kinds of feedback. */
#include "core/feedback.h"

#include <criterion/criterion.h>
#include <math.h>

Test(feedback, is_positive_above_zero)
{
    cr_expect_eq(feedback_of(1e-30F), FEEDBACK_POSITIVE);
    cr_expect_eq(feedback_of(100), FEEDBACK_POSITIVE);
}

Test(feedback, is_negative_from_minus_a_half_down)
{
    cr_expect_eq(feedback_of(-.5F), FEEDBACK_NEGATIVE);
    cr_expect_eq(feedback_of(-100), FEEDBACK_NEGATIVE);
}

Test(feedback, is_weak_between_minus_a_half_and_zero)
{
    cr_expect_eq(feedback_of(nextafterf(-.5F, 0)), FEEDBACK_WEAK);
    cr_expect_eq(feedback_of(-1e-30F), FEEDBACK_WEAK);
}

Test(feedback, of_zero_is_none)
{
    cr_expect_eq(feedback_of(0), FEEDBACK_NONE);
    cr_expect_eq(feedback_of(-0.0F), FEEDBACK_NONE);
}

Test(feedback, is_behaviour_where_the_user_did_something)
{
    const float weights[] = {3, .1F, 0, -.05F, -.49F, -.5F, -1};
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        enum feedback feedback = feedback_of(weights[i]);
        cr_expect_eq(feedback_is_behaviour(weights[i]), feedback == FEEDBACK_POSITIVE || feedback == FEEDBACK_NEGATIVE, "%g",
                     (double)weights[i]);
    }
}
