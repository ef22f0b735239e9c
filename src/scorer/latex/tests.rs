//! Answers that are the same, and answers that are not.

use proptest::prelude::*;

use super::*;

#[test]
fn the_same_answers() {
    for (one, other) in [
        ("\\frac{1}{2}", "0.5"),
        ("\\frac12", "1/2"),
        ("\\dfrac{3}{6}", "\\tfrac{1}{2}"),
        ("1\\frac{1}{2}", "\\frac{3}{2}"),
        ("1 1/2", "1.5"),
        ("-2\\frac{1}{2}", "-2.5"),
        ("0.\\overline{3}", "\\frac13"),
        ("0.1\\overline{6}", "1/6"),
        ("1,000", "1000"),
        ("1{,}000", "1000"),
        ("10,\\!000", "10000"),
        ("\\$5", "5"),
        ("5\\text{ cm}", "5"),
        ("5\\text{ cm}^2", "5"),
        ("50\\%", "50"),
        ("50\\%", "0.5"),
        ("\\frac{1}{2}", "50\\%"),
        ("90^\\circ", "90"),
        ("90^{\\circ}", "90°"),
        ("\\sqrt{8}", "2\\sqrt{2}"),
        ("\\sqrt 8", "2\\sqrt2"),
        ("\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}"),
        ("\\sqrt{\\frac{1}{4}}", "0.5"),
        ("2\\sqrt{3}+\\sqrt{2}", "\\sqrt2 + 2\\sqrt3"),
        ("\\sqrt{-4}", "2i"),
        ("\\sqrt[3]{27}", "3"),
        ("\\frac{1}{1+\\sqrt{2}}", "\\sqrt{2}-1"),
        ("2^{10}", "1024"),
        ("4^{1/2}", "2"),
        ("5!", "120"),
        ("\\binom{5}{2}", "10"),
        ("x^2+2x+1", "(x+1)^2"),
        ("x(x+1)", "x^2 + x"),
        ("\\frac{x+1}{2}", "\\frac{x}{2}+\\frac12"),
        ("ab", "ba"),
        ("2\\pi", "\\pi\\cdot 2"),
        ("\\frac{\\pi}{2}", "0.5\\pi"),
        ("x=5", "5"),
        ("x = 5", "x=5"),
        ("y=2x+1", "2x-y+1=0"),
        ("(1,2)", "( 1 , 2 )"),
        ("(0.5,2)", "\\left(\\frac12,2\\right)"),
        ("[1,2)", "\\left[1, 2\\right)"),
        ("(-\\infty,0)\\cup(1,\\infty)", "(1,\\infty)\\cup(-\\infty,0)"),
        ("x \\in [1,2]", "[1,2]"),
        ("\\{1,2,3\\}", "\\{3, 2, 1\\}"),
        ("1,2,3", "3, 1, 2"),
        ("1\\text{ and }2", "2, 1"),
        ("1\\pm\\sqrt{2}", "1+\\sqrt{2}, 1-\\sqrt{2}"),
        (
            "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}",
            "\\begin{pmatrix}1&2\\\\3&\\frac{8}{2}\\end{pmatrix}",
        ),
        ("x<5", "5>x"),
        ("2 \\le x < 3", "2\\leq x<3"),
        ("\\text{Monday}", "monday"),
        ("\\text{(A)}", "\\text{A}"),
        ("\\text{east}", "East"),
        ("3\\cdot10^{5}", "300000"),
        ("2x10", "20x"),
        ("1010_2", "1010_{2}"),
        ("√2", "\\sqrt{2}"),
        ("3×4", "12"),
        ("$\\frac{3}{4}$", "0.75"),
        ("\\(7\\)", "7"),
        ("7.", "7"),
        ("\\frac{a}{b}", "a/b"),
        ("-\\frac{1}{3}", "\\frac{-1}{3}"),
        ("-\\frac{1}{3}", "\\frac{1}{-3}"),
        (".5", "0.5"),
        ("\\log_2 8", "\\log_{2}(8)"),
        ("e^{x}", "e^x"),
    ] {
        assert!(equivalent(one, other), "{one} {other}");
        assert!(equivalent(other, one), "{other} {one}");
    }
}

#[test]
fn other_answers() {
    for (one, other) in [
        ("1", "2"),
        ("\\frac13", "0.333"),
        ("(1,2)", "(2,1)"),
        ("(1,2)", "[1,2]"),
        ("\\{1,2\\}", "\\{1,2,3\\}"),
        ("1,2", "1,2,2"),
        ("x^2", "2x"),
        ("\\sqrt{2}", "1.414"),
        ("\\text{east}", "\\text{west}"),
        ("odd", "dod"),
        ("x<5", "x>5"),
        ("x<5", "x\\le5"),
        ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}"),
        ("1010_2", "1010"),
        ("1,000", "1,2"),
        ("50\\%", "5"),
        ("-1", "1"),
        ("", "0"),
        ("\\pi", "3.14"),
        ("x", "y"),
        ("\\sin x", "\\cos x"),
        ("1/0", "2/0"),
        ("y=x", "y=2x"),
        ("5", "x"),
        ("2^{1000}", "2^{1001}"),
        ("(0,1)\\cup(2,3)", "(0,1)"),
        (
            "99999999999999999999999999999999999999999999",
            "99999999999999999999999999999999999999999998",
        ),
    ] {
        assert!(!equivalent(one, other), "{one} {other}");
    }
}

#[test]
fn boxes() {
    for (text, expected) in [
        ("so \\boxed{5}.", Some("5")),
        ("\\boxed{\\frac{1}{2}} then \\boxed{ \\{1,2\\} }", Some("\\{1,2\\}")),
        ("$\\boxed 7$", Some("7")),
        ("\\fbox{3}", Some("3")),
        ("\\boxed{5", None),
        ("none", None),
        ("\\boxed{}", Some("")),
    ] {
        assert_eq!(boxed(text), expected, "{text}");
    }
}

#[test]
fn hostile_formulas_end() {
    let deep = "(".repeat(1_900) + "1" + &")".repeat(1_900);
    let roots = "\\sqrt{".repeat(500) + "2" + &"}".repeat(500);
    let powers = "(a+b+c+d+e+f+g)^{60}";
    let towers = "9^".repeat(1_000) + "9";
    let minus = "-".repeat(3_000) + "1";
    let list = "1,".repeat(1_900);
    let sets = "\\{".repeat(1_000) + &"\\}".repeat(1_000);
    for text in [
        &*deep,
        &*roots,
        powers,
        &*towers,
        &*minus,
        &*list,
        &*sets,
        "999999999999989^{1/2}",
        "\\frac",
        "\\sqrt",
        "^",
        "_",
        "\\",
        "1_",
        "0.\\overline{}",
        "\\begin{}\\end{}",
    ] {
        assert!(!equivalent(text, "17"), "{text:.40}");
        assert!(equivalent(text, text), "{text:.40}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        one in "[-+*/^_{}()\\[\\],.=<>!%$0-9a-z \\\\é漢]{0,40}",
        other in "(\\\\(frac|sqrt|pi|cup|text|overline|binom|pm|left|boxed|begin|in|le)|[-{}()\\[\\],^_0-9x]){0,24}",
    ) {
        equivalent(&one, &other);
        prop_assert!(equivalent(&one, &one));
        prop_assert!(equivalent(&other, &other));
        boxed(&one);
        boxed(&other);
    }

    #[test]
    fn fractions_are_exact(a in -999..999_i64, b in 1..999_i64, k in 1..99_i64) {
        let reduced = format!("\\frac{{{a}}}{{{b}}}");
        let expanded = format!("{}/{}", a * k, b * k);
        prop_assert!(equivalent(&reduced, &expanded), "{} {}", reduced, expanded);
        let off = format!("{}/{}", a * k + 1, b * k);
        prop_assert!(!equivalent(&reduced, &off));
    }
}
