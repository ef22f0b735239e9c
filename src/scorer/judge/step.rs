//! One question of a judge: put, read, and put again while the reply cannot be used.

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::{Answers, Form, card::Scale, declined};
use crate::{
    base::{fence::Fence, text::one_line},
    domain::{
        generation::{Generation, TokenLogprob},
        message::{Message, Role},
        sample::Sample,
        score::Verdict,
        target::{Endpoint, Target},
    },
    provider,
    scorer::{Context, Foreseen, Question, Subject},
};

/// How often a judge is asked again for a reply that can be used.
pub const REPAIRS: u32 = 2;

/// Longest answer of a judge that does not think first, in tokens, where nobody says otherwise.
const MAX_TOKENS: u64 = 2_048;

/// How many tokens besides the one that was said are asked for: what most servers give.
const ALTERNATIVES: u32 = 5;

/// Longest reason for an unusable reply that is told to the judge, in characters.
const PROBLEM: usize = 200;

/// What every judge is told first.
const HEAD: &str = "You are a careful and impartial judge of texts that language models wrote. You do \
                    what the message says, and nothing else.";

/// A question that a scorer puts to a model about every answer.
#[derive(Debug)]
pub struct Step {
    name: String,
    target: Arc<Target>,
    form: Form,
    way: Answers,
    scale: Option<Scale>,
    /// Whether the probabilities of tokens are looked at.
    weighs: bool,
}

/// Says what is wrong with a reply that has the right form, a fragment.
pub type Check<'a> = dyn Fn(&Value) -> Result<(), String> + Send + Sync + 'a;

/// What a step is asked about.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    subject: &'a Subject<'a>,
    fence: &'a Fence,
    body: &'a str,
    repeat: u32,
    check: &'a Check<'a>,
}

impl fmt::Debug for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("repeat", &self.repeat).finish_non_exhaustive()
    }
}

impl<'a> Asked<'a> {
    /// `body`, what is to be done, with the texts that are judged between the marks of `fence`.
    pub fn about(subject: &'a Subject<'a>, fence: &'a Fence, body: &'a str) -> Self {
        Self { subject, fence, body, repeat: 0, check: &|_| Ok(()) }
    }

    /// The same question, whose reply is taken only if `check` finds nothing wrong with it. What it
    /// says must depend on the question and the reply alone.
    #[must_use]
    pub fn checked(mut self, check: &'a Check<'a>) -> Self {
        self.check = check;
        self
    }

    /// The same question once more, as the repeat with this number.
    #[must_use]
    pub fn repeated(mut self, repeat: u32) -> Self {
        self.repeat = repeat;
        self
    }
}

impl Step {
    /// The question recorded as `name` to `target`, whose replies have this form.
    ///
    /// Without parameters of its own a judge is asked at temperature 0 where it is known to take one,
    /// and for no more than 2,048 tokens unless it thinks.
    ///
    /// # Errors
    /// The model is known not to answer in the way that is wanted, or cannot be asked so.
    pub fn new(
        name: &str,
        target: &Arc<Target>,
        form: Form,
        answers: Answers,
    ) -> Result<Self, String> {
        let (mut params, way) = form.params(target, answers)?;
        let can = target.capabilities;
        if can.sampling == Some(true) && !params.omit.iter().any(|name| name == "temperature") {
            params.temperature.get_or_insert(0.0);
        }
        if can.reasoning != Some(true) && !params.omit.iter().any(|name| name == "max_tokens") {
            params.max_tokens.get_or_insert(MAX_TOKENS);
        }
        let target = Arc::new(Target { params, ..target.as_ref().clone() });
        Ok(Self { name: name.to_owned(), target, form, way, scale: None, weighs: false })
    }

    /// The same question, whose verdicts are worth what `scale` says; that is recorded with them as
    /// `score`.
    #[must_use]
    pub fn worth(mut self, scale: Scale) -> Self {
        self.scale = Some(scale);
        self
    }

    /// Why the reply cannot come with the probabilities of its tokens, if that is known.
    ///
    /// # Errors
    /// The reason.
    pub fn can_weigh(&self) -> Result<(), String> {
        let target = &self.target;
        let Endpoint::Http(endpoint) = &target.endpoint else {
            return Err(format!("`{}` gives no probabilities", target.name));
        };
        if self.way == Answers::Tool {
            return Err("the arguments of a call come without probabilities".to_owned());
        }
        if target.capabilities.reasoning == Some(true)
            || target.capabilities.sampling == Some(false)
            || target.params.omit.iter().any(|name| name == "logprobs")
        {
            return Err(format!("`{}` thinks, and gives no probabilities", target.name));
        }
        let provider = provider::find(target.provider)
            .ok_or_else(|| format!("there is no provider `{}`", target.provider))?;
        let mut asking = target.as_ref().clone();
        asking.params.logprobs = Some(ALTERNATIVES);
        provider.check(&asking, endpoint).map_err(|fault| fault.message)
    }

    /// The same question for a number, whose reply comes with the probabilities of its tokens. What
    /// the number is on average, over those in its place, is recorded with it as `weighted`.
    #[must_use]
    pub fn weighed(mut self) -> Self {
        let mut target = self.target.as_ref().clone();
        target.params.logprobs = Some(ALTERNATIVES);
        self.target = Arc::new(target);
        self.weighs = true;
        self
    }

    /// The same question at the temperature that `target` has by itself: asked for the same again at
    /// 0, most models would say the same.
    #[must_use]
    pub fn at_its_own_temperature(mut self, target: &Target) -> Self {
        let mut own = self.target.as_ref().clone();
        own.params.temperature = target.params.temperature;
        self.target = Arc::new(own);
        self
    }

    /// Whom it goes to.
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// What is said to the judge.
    pub fn messages(&self, fence: &Fence, body: &str) -> Vec<Message> {
        let how = self.form.instructions(self.way);
        vec![
            Message::text(Role::System, format!("{HEAD}\n\n{}", fence.rule())),
            Message::text(Role::User, format!("{}\n\n{how}", body.trim_end())),
        ]
    }

    /// The call that it will make, for estimates.
    pub fn foreseen(&self, fence: &Fence, body: &str) -> Foreseen {
        let target = Arc::clone(&self.target);
        Foreseen { target, messages: self.messages(fence, body), times: 1 }
    }

    /// Asks, and gives what the reply says in its form.
    ///
    /// # Errors
    /// The verdict to hand on when nothing usable came.
    pub async fn ask(&self, context: &Context<'_>, asked: &Asked<'_>) -> Result<Value, Verdict> {
        let read = |generation: &Generation| {
            let value = self.read(generation)?;
            (asked.check)(&value).map(|()| value)
        };
        let sample = Arc::new(self.sample(asked.subject.sample));
        let mut messages = self.messages(asked.fence, asked.body);
        let name = one_line(&self.target.name, 80);
        for turn in 0..=REPAIRS {
            let question = Question {
                step: self.name.clone(),
                target: Arc::clone(&self.target),
                messages: messages.clone(),
                sample: Arc::clone(&sample),
                repeat: asked.repeat,
                turn,
                last: turn == REPAIRS,
            };
            let came = context.models.consult(&question, &read).await.map_err(|fault| {
                let why = one_line(&fault.to_string(), PROBLEM);
                Verdict::Failed(format!("judge {name} gave no answer: {why}"))
            })?;
            let problem = match came.read {
                Ok(value) => return Ok(value),
                Err(problem) => problem,
            };
            if question.last || declined(&came.generation) {
                return Err(Verdict::Failed(format!("judge {name}: {problem}")));
            }
            let said = said(&came.generation);
            messages.push(Message::text(Role::Assistant, said));
            let again = format!(
                "That cannot be used: {}. {}",
                one_line(&problem, PROBLEM),
                self.form.instructions(self.way)
            );
            messages.push(Message::text(Role::User, again));
        }
        // The last turn has returned.
        Err(Verdict::Failed(format!("judge {name} gave nothing that can be used")))
    }

    fn read(&self, generation: &Generation) -> Result<Value, String> {
        let mut value = self.form.read(generation)?;
        if let (Some(scale), Some(object)) = (&self.scale, value.as_object_mut()) {
            let verdict = object.get("verdict").unwrap_or(&Value::Null);
            let score = scale.score(verdict).ok_or("the verdict is not on the scale")?;
            object.insert("score".to_owned(), score.into());
        }
        if self.weighs
            && let Some(object) = value.as_object_mut()
            && let Some(weighted) = object.get("verdict").and_then(|verdict| {
                let (least, most) = self.form.ends()?;
                weighted(&generation.logprobs, verdict.as_f64()?, (least, most))
            })
        {
            object.insert("weighted".to_owned(), weighted.into());
        }
        Ok(value)
    }

    /// What a simulated or recorded judge goes by: the sample, whose expected answers are, for a
    /// simulated one, the best verdict and the worst.
    fn sample(&self, sample: &Sample) -> Sample {
        let mut sample = sample.clone();
        if matches!(self.target.endpoint, Endpoint::Sim(_)) {
            sample.expected =
                self.scale.as_ref().map(|scale| scale.ends().to_vec()).unwrap_or_default();
        }
        sample
    }
}

/// The mean of the numbers that stood in the place of the token that says `number`, each by its
/// probability; `None` where no token says it.
///
/// # Source
/// Liu et al. 2023 (G-Eval), equation 1, over the tokens that are reported.
fn weighted(tokens: &[TokenLogprob], number: f64, (least, most): (f64, f64)) -> Option<f64> {
    let of = |token: &str| {
        let plain = token.trim();
        let digits = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
        plain.parse::<f64>().ok().filter(|found| digits && (least..=most).contains(found))
    };
    let same = |token: &&TokenLogprob| {
        of(&token.token).is_some_and(|found| (found - number).abs() < f64::EPSILON)
    };
    let place = tokens.iter().rev().find(same)?;
    let itself = (place.token.clone(), place.logprob);
    let others = place.top.iter().filter(|(token, _)| *token != place.token);
    let (mut sum, mut all) = (0.0, 0.0);
    for (token, logprob) in std::iter::once(&itself).chain(others) {
        if let Some(found) = of(token) {
            let probability = logprob.exp();
            sum += probability * found;
            all += probability;
        }
    }
    (all > 0.0).then(|| sum / all)
}

/// What the judge said, for a conversation that goes on.
fn said(generation: &Generation) -> String {
    let called = generation.tool_calls.last().map(|call| call.arguments.as_str());
    let text = Some(generation.text.trim()).filter(|text| !text.is_empty()).or(called);
    text.unwrap_or("(nothing)").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_weighed_by_those_that_stood_in_its_place() {
        let token = |token: &str, p: f64, top: &[(&str, f64)]| TokenLogprob {
            token: token.to_owned(),
            logprob: p.ln(),
            top: top.iter().map(|(token, p)| ((*token).to_owned(), p.ln())).collect(),
        };
        let tokens = [
            token("8", 1.0, &[]),
            token(" is my", 1.0, &[]),
            token(" 7", 0.5, &[(" 7", 0.5), ("9", 0.25), ("eleven", 0.1), ("11", 0.1)]),
            token(".", 1.0, &[]),
        ];
        let of = |number| weighted(&tokens, number, (0.0, 10.0));
        assert!((of(7.0).expect("weighed") - (7.0 * 0.5 + 9.0 * 0.25) / 0.75).abs() < 1e-12);
        assert!((of(8.0).expect("itself") - 8.0).abs() < 1e-12);
        assert_eq!((of(3.0), weighted(&[], 7.0, (0.0, 10.0))), (None, None));
    }
}
