//! Which language a text is in, told offline.

use crate::base::text::prefix;

/// How much of a text is looked at, in bytes: more makes no language clearer.
const LOOKED_AT: usize = 16 * 1024;

/// Least share of the words of a text that are common words of Swahili, in a text in it.
const SWAHILI_SHARE: f64 = 0.2;

/// The commonest words of Swahili, which the crate does not know.
const SWAHILI: &str = "\
    na ya wa kwa ni za katika la cha kuwa hii hiyo huu kama vya pia au lakini yake wake \
    sana watu mtu moja yangu wetu yetu si sisi wewe mimi yeye bila kila siku baada kabla \
    ili hapa hivyo zaidi kwamba";

/// Two-letter codes beside the three-letter ones of ISO 639-3 that the crate uses.
const CODES: &str = "\
    eo=epo en=eng ru=rus zh=cmn es=spa pt=por it=ita bn=ben fr=fra de=deu uk=ukr ka=kat \
    ar=ara hi=hin ja=jpn he=heb yi=yid pl=pol am=amh jv=jav ko=kor no=nob nb=nob da=dan \
    sv=swe fi=fin tr=tur nl=nld hu=hun cs=ces el=ell bg=bul be=bel mr=mar kn=kan ro=ron \
    sl=slv hr=hrv sr=srp mk=mkd lt=lit lv=lav et=est ta=tam vi=vie ur=urd th=tha gu=guj \
    uz=uzb pa=pan az=aze id=ind te=tel fa=pes ml=mal or=ori my=mya ne=nep si=sin km=khm \
    tk=tuk ak=aka zu=zul sn=sna af=afr la=lat sk=slk ca=cat tl=tgl hy=hye cy=cym sw=swa \
    iw=heb in=ind";

/// The short code of the language that `written` means: `en` for `en`, `EN-gb` and `eng`. `None`
/// for a language that cannot be told.
pub(super) fn code(written: &str) -> Option<&'static str> {
    let primary = written.trim().split(['-', '_']).next()?.to_ascii_lowercase();
    let long = match primary.as_str() {
        "fas" | "per" => "pes",
        "zho" | "chi" => "cmn",
        "swh" => "swa",
        other => other,
    };
    let (_, long) = codes().find(|(two, three)| *two == long || *three == long)?;
    // The first pair of a language has the code that is shown.
    codes().find(|(_, three)| *three == long).map(|(two, _)| two)
}

/// The language of `text` and how sure that is, 0 to 1; `None` without a letter.
pub(super) fn detect(text: &str) -> Option<(&'static str, f64)> {
    let text = prefix(text, LOOKED_AT);
    if let Some(share) = swahili(text) {
        return Some(("sw", share));
    }
    let info = whatlang::detect(text)?;
    Some((code(info.lang().code())?, info.confidence()))
}

fn codes() -> impl Iterator<Item = (&'static str, &'static str)> {
    CODES.split_whitespace().filter_map(|pair| pair.split_once('='))
}

fn swahili(text: &str) -> Option<f64> {
    let (mut all, mut common, mut kinds) = (0_u32, 0_u32, 0_u64);
    for word in text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()) {
        all += 1;
        let lower = word.to_lowercase();
        if let Some(at) = SWAHILI.split_whitespace().position(|known| known == lower) {
            common += 1;
            kinds |= 1 << at;
        }
    }
    let share = f64::from(common) / f64::from(all.max(1));
    // Some of the words are words elsewhere too; few languages have three of them.
    (all >= 3 && kinds.count_ones() >= 3 && share >= SWAHILI_SHARE).then_some(share.min(1.0))
}

#[cfg(test)]
mod tests {
    use whatlang::Lang;

    use super::*;

    #[test]
    fn codes_have_many_spellings() {
        for (written, expected) in [
            ("en", Some("en")),
            ("ENG", Some("en")),
            ("pt-BR", Some("pt")),
            ("zh_Hant", Some("zh")),
            ("zho", Some("zh")),
            ("no", Some("no")),
            ("nb", Some("no")),
            ("fa", Some("fa")),
            ("sw", Some("sw")),
            ("he", Some("he")),
            ("iw", Some("he")),
            ("klingon", None),
            ("", None),
        ] {
            assert_eq!(code(written), expected, "{written}");
        }
    }

    #[test]
    fn every_language_of_the_crate_has_a_short_code() {
        for lang in Lang::all() {
            assert!(code(lang.code()).is_some(), "{lang:?}");
        }
    }

    #[test]
    fn languages_are_told() {
        for (text, expected) in [
            ("The quick brown fox jumps over the lazy dog and runs away from the hunter.", "en"),
            ("Der schnelle braune Fuchs springt über den faulen Hund und läuft weg.", "de"),
            ("Le renard brun saute par-dessus le chien paresseux et s'enfuit.", "fr"),
            ("El zorro marrón salta sobre el perro perezoso y se escapa del cazador.", "es"),
            ("Быстрая коричневая лиса прыгает через ленивую собаку.", "ru"),
            ("素早い茶色の狐がのろまな犬を飛び越える。", "ja"),
            ("敏捷的棕色狐狸跳过了懒狗。", "zh"),
            ("الثعلب البني السريع يقفز فوق الكلب الكسول", "ar"),
            ("तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है", "hi"),
            (
                "Watu wote wamezaliwa huru na hadhi na haki zao ni sawa katika nchi yetu kwa kila siku.",
                "sw",
            ),
        ] {
            assert_eq!(detect(text).map(|(code, _)| code), Some(expected), "{text}");
        }
        assert_eq!(detect("42 + 1 = 43"), None);
    }
}
