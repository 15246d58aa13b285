/**
 * Names of a partition's streams and of their subjects (design 1). They carry no subscriber
 * number.
 */

/** The input stream: usage, profile, feedback and control of one partition. */
export function inputStreamName(partition: number): string {
  return `IN_${partition}`
}

/** The output stream: the chain of decisions. */
export function outputStreamName(partition: number): string {
  return `OUT_${partition}`
}

/** The reject stream: what could not be understood, and why. */
export function rejectStreamName(partition: number): string {
  return `REJ_${partition}`
}

/** The one subject that IN accepts before genesis. */
export function controlSubject(partition: number): string {
  return `control.${partition}`
}

/** The only subject of OUT. */
export function outputSubject(partition: number): string {
  return `out.${partition}`
}

/** The only subject of REJ. */
export function rejectSubject(partition: number): string {
  return `reject.${partition}`
}

/** Every subject of IN once genesis is in it. */
export function inputSubjects(partition: number): readonly string[] {
  return [
    controlSubject(partition),
    `usage.${partition}.*`,
    `profile.${partition}.*`,
    `feedback.${partition}.*`,
  ]
}

/** What a gateway wrote of one channel of one partition: intents and what became of them. */
export function gateStreamName(partition: number, channel: string): string {
  return `GATE_${partition}_${channel}`
}

/** The only subject of GATE. */
export function gateSubject(partition: number, channel: string): string {
  return `gate.${partition}.${channel}`
}

/** Deliveries of a channel of kind `nats`, one in each message. */
export function deliveryStreamName(channel: string): string {
  return `DELIVERY_${channel}`
}

/** The only subject of DELIVERY. */
export function deliverySubject(channel: string): string {
  return `delivery.${channel}`
}
