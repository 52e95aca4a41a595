// Nor can a function hand out a payload that outlives the datagram it belongs to, without saying so.
import Volley

func longest(_ batch: borrowing DatagramBatch) -> RawSpan {
    batch[0].payload
}
