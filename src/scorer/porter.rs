//! Porter's stemmer with the extensions of nltk.

/// Words that have a stem of their own.
const IRREGULAR: [(&str, &str); 15] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
];

/// The stem of `word`, which is in lower case.
///
/// # Source
/// Porter 1980, Program 14, 130-137; `PorterStemmer`, mode `NLTK_EXTENSIONS`, of nltk 3.10.4.
pub(super) fn stem(word: &str) -> String {
    if word == "succeed" {
        return word.to_owned();
    }
    if let Some((_, stem)) = IRREGULAR.iter().find(|(irregular, _)| *irregular == word) {
        return (*stem).to_owned();
    }
    let mut word = Word(word.chars().collect());
    if word.0.len() > 2 {
        word.plural();
        word.past();
        word.final_y();
        word.double_suffix();
        word.first_of(&STEP_3, 0);
        word.last_suffix();
        word.final_e();
        if word.ends("ll") && measure(&word.0[..word.0.len() - 1]) > 1 {
            word.0.pop();
        }
    }
    word.0.into_iter().collect()
}

/// A suffix and what takes its place.
type Rule = (&'static str, &'static str);

const STEP_2: [Rule; 21] = [
    ("ational", "ate"),
    ("tional", "tion"),
    ("enci", "ence"),
    ("anci", "ance"),
    ("izer", "ize"),
    ("bli", "ble"),
    ("alli", "al"),
    ("entli", "ent"),
    ("eli", "e"),
    ("ousli", "ous"),
    ("ization", "ize"),
    ("ation", "ate"),
    ("ator", "ate"),
    ("alism", "al"),
    ("iveness", "ive"),
    ("fulness", "ful"),
    ("ousness", "ous"),
    ("aliti", "al"),
    ("iviti", "ive"),
    ("biliti", "ble"),
    ("fulli", "ful"),
];

const STEP_3: [Rule; 7] = [
    ("icate", "ic"),
    ("ative", ""),
    ("alize", "al"),
    ("iciti", "ic"),
    ("ical", "ic"),
    ("ful", ""),
    ("ness", ""),
];

const STEP_4: [&str; 19] = [
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou",
    "ism", "ate", "iti", "ous", "ive", "ize",
];

struct Word(Vec<char>);

impl Word {
    fn ends(&self, suffix: &str) -> bool {
        self.before(suffix).is_some()
    }

    /// What stands in front of `suffix`, which is ASCII, when the word ends so.
    fn before(&self, suffix: &str) -> Option<&[char]> {
        let at = self.0.len().checked_sub(suffix.len())?;
        let (stem, end) = self.0.split_at(at);
        end.iter().copied().eq(suffix.chars()).then_some(stem)
    }

    /// Puts `with` in the place of the last `length` characters.
    fn replace(&mut self, length: usize, with: &str) {
        self.0.truncate(self.0.len().saturating_sub(length));
        self.0.extend(with.chars());
    }

    /// Applies the first rule whose suffix the word has, if the measure of what is left is above
    /// `least`; whether there was one, applied or not.
    fn first_of(&mut self, rules: &[Rule], least: usize) -> bool {
        for (suffix, with) in rules {
            let Some(stem) = self.before(suffix) else { continue };
            if measure(stem) > least {
                self.replace(suffix.len(), with);
            }
            return true;
        }
        false
    }

    /// Step 1a.
    fn plural(&mut self) {
        if self.ends("ies") {
            self.replace(3, if self.0.len() == 4 { "ie" } else { "i" });
        } else if self.ends("sses") {
            self.replace(2, "");
        } else if self.ends("s") && !self.ends("ss") {
            self.replace(1, "");
        }
    }

    /// Step 1b.
    fn past(&mut self) {
        if self.ends("ied") {
            self.replace(3, if self.0.len() == 4 { "ie" } else { "i" });
            return;
        }
        if let Some(stem) = self.before("eed") {
            if measure(stem) > 0 {
                self.replace(1, "");
            }
            return;
        }
        let suffix = ["ed", "ing"]
            .into_iter()
            .find(|suffix| self.before(suffix).is_some_and(|stem| vowels(stem).any(|v| v)));
        let Some(suffix) = suffix else { return };
        self.replace(suffix.len(), "");
        if self.ends("at") || self.ends("bl") || self.ends("iz") {
            self.0.push('e');
        } else if ends_double_consonant(&self.0) {
            if !matches!(self.0.last(), Some('l' | 's' | 'z')) {
                self.0.pop();
            }
        } else if self.ends("*d") {
            // Nltk's name of the rule above is looked for as a suffix, too.
            self.replace(2, "d");
        } else if measure(&self.0) == 1 && ends_cvc(&self.0) {
            self.0.push('e');
        }
    }

    /// Step 1c.
    fn final_y(&mut self) {
        if let Some(stem) = self.before("y")
            && stem.len() > 1
            && vowels(stem).last() == Some(false)
        {
            self.replace(1, "i");
        }
    }

    /// Step 2.
    fn double_suffix(&mut self) {
        while self.before("alli").is_some_and(|stem| measure(stem) > 0) {
            self.replace(4, "al");
        }
        if !self.first_of(&STEP_2, 0)
            && self.ends("logi")
            && measure(&self.0[..self.0.len() - 3]) > 0
        {
            self.replace(1, "");
        }
    }

    /// Step 4.
    fn last_suffix(&mut self) {
        for suffix in STEP_4 {
            let Some(stem) = self.before(suffix) else { continue };
            let wanted = suffix != "ion" || matches!(stem.last(), Some('s' | 't'));
            if wanted && measure(stem) > 1 {
                self.replace(suffix.len(), "");
            }
            return;
        }
    }

    /// Step 5a.
    fn final_e(&mut self) {
        if let Some(stem) = self.before("e") {
            let m = measure(stem);
            if m > 1 || (m == 1 && !ends_cvc(stem)) {
                self.replace(1, "");
            }
        }
    }
}

/// Of each character whether it is a vowel: `y` is one behind a consonant.
fn vowels(word: &[char]) -> impl Iterator<Item = bool> {
    let mut before = true;
    word.iter().map(move |c| {
        before = match c {
            'a' | 'e' | 'i' | 'o' | 'u' => true,
            'y' => !before,
            _ => false,
        };
        before
    })
}

/// How often a vowel has a consonant behind it.
fn measure(word: &[char]) -> usize {
    let mut before = false;
    vowels(word)
        .filter(|vowel| {
            let turns = before && !vowel;
            before = *vowel;
            turns
        })
        .count()
}

fn ends_double_consonant(word: &[char]) -> bool {
    matches!(word, [.., a, b] if a == b) && vowels(word).last() == Some(false)
}

/// Whether the word ends in consonant, vowel and consonant, not w, x or y; of two letters, in the
/// last two of these.
fn ends_cvc(word: &[char]) -> bool {
    let vowels: Vec<bool> = vowels(word).collect();
    match vowels.as_slice() {
        [true, false] => true,
        [.., false, true, false] => !matches!(word.last(), Some('w' | 'x' | 'y')),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stems_are_those_of_nltk() {
        let cases = [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("ties", "tie"),
            ("cats", "cat"),
            ("feed", "feed"),
            ("agreed", "agre"),
            ("plastered", "plaster"),
            ("sing", "sing"),
            ("died", "die"),
            ("spied", "spi"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("filing", "file"),
            ("happy", "happi"),
            ("enjoy", "enjoy"),
            ("relational", "relat"),
            ("skies", "sky"),
            ("dying", "die"),
            ("archaeology", "archaeolog"),
            ("geology", "geolog"),
            ("controlling", "control"),
            ("generalizations", "gener"),
            ("yyyying", "yyyi"),
            ("succeed", "succeed"),
            ("is", "is"),
            ("ééing", "ééing"),
            ("aéé*ding", "aééd"),
        ];
        for (word, expected) in cases {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}
