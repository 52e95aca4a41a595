/// The contract of a datagram transport: what every one must do, whatever carries its datagrams.
///
/// It is asyncio's as its tests have it, plus what nobody else writes down: what happens to a batch, its replies and
/// its rest when a protocol closes, aborts, pauses or sends in the middle of it.
public enum DatagramContract {
    /// All scenarios; names are unique.
    public static let scenarios: [DatagramScenario] =
        receiving + receiveErrors + pausing + sending + replying + queueing + flowControl + flowControlCallbacks
        + sendErrors + inheritedErrors + sendingUnderFaults + closing + closingInBatch + closingInCallbacks + refusals
}
