//! From the events of a stream to the generation.

use crate::{
    base::money::Money,
    domain::{
        fault::{Fault, FaultKind},
        generation::{Generation, ToolCall},
    },
    provider::{
        HttpReply, Progress, StreamDecoder, classify,
        openai_compatible::{
            cost,
            decode::{self, Body, WireMessage},
            logprobs,
            plain::{Choice, Head, Plain},
            responses,
        },
        sse::Event,
    },
};

/// Collects the pieces of one answer, of either interface: which one it is shows in the first event.
#[derive(Debug)]
pub(in crate::provider) struct Decoder {
    chat: Chat,
    responses: Option<responses::Decoder>,
    begun: bool,
}

impl Decoder {
    /// A decoder for the stream that `head` opens.
    pub(in crate::provider) fn new(head: &HttpReply<'_>) -> Self {
        Self { chat: Chat::new(head), responses: None, begun: false }
    }
}

impl StreamDecoder for Decoder {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        if !event.data.trim().is_empty() && !std::mem::replace(&mut self.begun, true) {
            let request_id = self.chat.generation.request_id.clone();
            self.responses = responses::is_event(&event)
                .then(|| responses::Decoder::new(self.chat.status, request_id));
        }
        match &mut self.responses {
            Some(responses) => responses.event(event),
            None => self.chat.event(event),
        }
    }

    fn complete(&self) -> bool {
        self.responses.as_ref().map_or_else(|| self.chat.complete(), StreamDecoder::complete)
    }

    fn partial(&self) -> Option<String> {
        self.responses.as_ref().map_or_else(|| self.chat.partial(), StreamDecoder::partial)
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        match self.responses {
            Some(responses) => Box::new(responses).finish().map(|generation| {
                let reported_cost = generation.reported_cost.or(self.chat.header_cost);
                Generation { reported_cost, ..generation }
            }),
            None => Box::new(self.chat).finish(),
        }
    }
}

/// Collects the pieces of an answer in a chat, or of a completed text.
#[derive(Debug)]
struct Chat {
    status: u16,
    header_cost: Option<Money>,
    costs_in_dollars: bool,
    generation: Generation,
    reasoning: String,
    refusal: String,
    /// The calls, with the index by which the stream tells them apart.
    calls: Vec<(u64, ToolCall)>,
    done: bool,
    /// What the last event began with.
    head: Head,
}

impl Chat {
    fn new(head: &HttpReply<'_>) -> Self {
        let (request_id, header_cost) = decode::from_headers(head.headers);
        Self {
            status: head.status,
            header_cost,
            costs_in_dollars: cost::in_dollars(head.headers),
            generation: Generation { request_id, ..Generation::default() },
            reasoning: String::new(),
            refusal: String::new(),
            calls: Vec::new(),
            done: false,
            head: Head::default(),
        }
    }

    fn read(&self, data: &str) -> Result<Option<Body>, Fault> {
        let body: Body = serde_json::from_str(data).map_err(|error| self.protocol(data, &error))?;
        if let Some(fault) = body.fault(self.status) {
            return Err(fault);
        }
        if body.choices.0.is_some() {
            return Ok(Some(body));
        }
        // An event of another kind: an error in a form of its own, the usage alone, a sign of life.
        let error = serde_json::from_str(data).ok().and_then(|body| classify::error_in(&body));
        error.map_or(Ok(Some(body)), |error| Err(classify::inner_fault(&error, self.status)))
    }

    fn protocol(&self, data: &str, error: &serde_json::Error) -> Fault {
        let shown = crate::base::text::one_line(data, 200);
        let message = format!("an event of the stream is not JSON ({error}): {shown}");
        let mut fault = Fault::new(FaultKind::Protocol, message);
        fault.status = Some(self.status);
        fault
    }

    fn named(&mut self, plain: &Plain<'_>) {
        let generation = &mut self.generation;
        if !plain.model().is_empty() {
            generation.served_model = Some(plain.model().to_owned());
        }
        if !plain.id().is_empty() {
            generation.request_id.get_or_insert_with(|| plain.id().to_owned());
        }
    }

    fn piece(&mut self, choice: &Choice<'_>) -> Progress {
        let (text, reasoning) = (choice.text(), choice.reasoning());
        if !choice.finish_reason().is_empty() {
            self.generation.raw_finish_reason = Some(choice.finish_reason().to_owned());
        }
        self.generation.text.push_str(text);
        self.reasoning.push_str(reasoning);
        let moved = !text.is_empty() || !reasoning.is_empty();
        if moved { Progress::Output } else { Progress::Quiet }
    }

    fn take(&mut self, mut message: WireMessage) -> bool {
        let (text, refusal, reasoning) = message.take();
        let before = self.size();
        self.generation.text.push_str(&text);
        self.refusal.push_str(&refusal);
        self.reasoning.push_str(&reasoning);
        let calls = message.tool_calls.0.take();
        let listed = calls.is_some();
        for piece in calls.into_iter().flatten() {
            let id = piece.id.0.filter(|id| !id.is_empty());
            let call = self.call(piece.index.0, id.as_deref());
            if let Some(id) = id {
                call.id = id;
            }
            if let Some(function) = &piece.function.0 {
                call.name.push_str(function.name.0.as_deref().unwrap_or_default());
                call.arguments.push_str(&function.arguments());
            }
        }
        if let (false, Some(function)) = (listed, message.function_call.0.take()) {
            let call = self.call(Some(0), None);
            call.name.push_str(function.name.0.as_deref().unwrap_or_default());
            call.arguments.push_str(&function.arguments());
        }
        self.size() > before
    }

    /// The call that a piece belongs to: the one with its index; where servers leave the index
    /// out, a new one for a new id and else the last.
    fn call(&mut self, index: Option<u64>, id: Option<&str>) -> &mut ToolCall {
        let place = match index {
            Some(index) => self.calls.iter().position(|(have, _)| *have == index),
            None => match id {
                Some(id) => self.calls.iter().position(|(_, call)| call.id == id),
                None => self.calls.len().checked_sub(1),
            },
        };
        let place = place.unwrap_or_else(|| {
            let index = index.unwrap_or(self.calls.len() as u64);
            let (id, name, arguments) = Default::default();
            self.calls.push((index, ToolCall { id, name, arguments }));
            self.calls.len() - 1
        });
        &mut self.calls[place].1
    }

    fn size(&self) -> usize {
        let calls: usize =
            self.calls.iter().map(|(_, call)| call.name.len() + call.arguments.len()).sum();
        self.generation.text.len() + self.refusal.len() + self.reasoning.len() + calls
    }
}

impl StreamDecoder for Chat {
    fn event(&mut self, event: Event<'_>) -> Result<Progress, Fault> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.done = true;
            return Ok(Progress::Done);
        }
        if data.is_empty() || self.done {
            return Ok(Progress::Quiet);
        }
        if let Some(choice) = self.head.choice(data) {
            return Ok(self.piece(&choice));
        }
        let plain = Plain::read(data);
        self.head.learn(data, plain.is_some());
        if let Some(plain) = plain {
            self.named(&plain);
            return Ok(self.piece(plain.choice()));
        }
        let Some(mut body) = self.read(data)? else { return Ok(Progress::Quiet) };
        let mut choice = body.take_choice();
        // Counts may come with every chunk, each the sum so far: the last one stands.
        let (usage, cost) = body.usage(choice.as_mut(), self.costs_in_dollars);
        let generation = &mut self.generation;
        generation.usage = usage.or(generation.usage);
        generation.reported_cost = cost.or(generation.reported_cost);
        if let Some(model) = body.model.0.filter(|model| !model.is_empty()) {
            generation.served_model = Some(model);
        }
        if generation.request_id.is_none() {
            generation.request_id = body.id.0.filter(|id| !id.is_empty());
        }
        let Some(mut choice) = choice else { return Ok(Progress::Quiet) };
        // Some servers write an empty reason until there is one.
        if let Some(reason) = choice.finish_reason.0.take().filter(|reason| !reason.is_empty()) {
            generation.raw_finish_reason = Some(reason);
        }
        generation.logprobs.extend(logprobs::read(&choice.logprobs));
        let text = choice.text.0.unwrap_or_default();
        generation.text.push_str(&text);
        let moved = choice.delta.0.is_some_and(|delta| self.take(delta)) || !text.is_empty();
        Ok(if moved { Progress::Output } else { Progress::Quiet })
    }

    fn complete(&self) -> bool {
        self.done || self.generation.raw_finish_reason.is_some()
    }

    fn partial(&self) -> Option<String> {
        Some(&self.generation.text).filter(|text| !text.is_empty()).cloned()
    }

    fn finish(self: Box<Self>) -> Result<Generation, Fault> {
        let complete = self.complete();
        let mut generation = self.generation;
        if !complete {
            let message = "the stream ended before the model had finished";
            let mut fault = Fault::new(FaultKind::Truncated, message);
            fault.status = Some(self.status);
            fault.partial = Some(generation.text).filter(|text| !text.is_empty());
            return Err(fault);
        }
        generation.reasoning = Some(self.reasoning).filter(|text| !text.is_empty());
        generation.tool_calls = self.calls.into_iter().map(|(_, call)| call).collect();
        generation.reported_cost = generation.reported_cost.or(self.header_cost);
        let settled = decode::settle(generation, self.refusal);
        settled.map_err(|fault| Fault { status: Some(self.status), ..fault })
    }
}
