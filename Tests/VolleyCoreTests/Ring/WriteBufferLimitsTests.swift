import Testing
import VolleyCore

@Suite("Write buffer limits")
struct WriteBufferLimitsTests {
    @Test(
        "each mark that is not given follows from those that are",
        arguments: [
            // low, high, maximum given; low, high, maximum that come out
            (nil, nil, nil, 16_384, 65_536, 4 << 20),
            (nil, 100, nil, 25, 100, 4 << 20),
            (nil, 103, nil, 25, 103, 4 << 20),
            (30, nil, nil, 30, 120, 4 << 20),
            (0, nil, nil, 0, 0, 4 << 20),
            (0, 0, 0, 0, 0, 0),
            (5, 5, 5, 5, 5, 5),
            (nil, 1 << 20, nil, 1 << 18, 1 << 20, 1 << 26),
            (.max, nil, nil, .max, .max, .max),
            (nil, .max, nil, .max / 4, .max, .max),
        ] as [(Int?, Int?, Int?, Int, Int, Int)])
    func defaults(low: Int?, high: Int?, maximum: Int?, lowOut: Int, highOut: Int, maximumOut: Int) throws {
        let limits = try WriteBufferLimits(low: low, high: high, maximum: maximum)
        #expect(limits.low == lowOut)
        #expect(limits.high == highOut)
        #expect(limits.maximum == maximumOut)
    }

    @Test(
        "marks that contradict each other are refused, with all of them in the message",
        arguments: [
            (2, 1, nil, .highBelowLow), (0, 10, 9, .maximumBelowHigh), (-1, 5, nil, .negative),
            (-1, nil, nil, .negative),
            (nil, -4, nil, .negative), (.min, .min, .min, .negative), (0, 0, -1, .maximumBelowHigh),
        ] as [(Int?, Int?, Int?, WriteBufferLimitsError.Code)])
    func contradictions(low: Int?, high: Int?, maximum: Int?, code: WriteBufferLimitsError.Code) {
        let error = #expect(throws: WriteBufferLimitsError.self) {
            try WriteBufferLimits(low: low, high: high, maximum: maximum)
        }
        #expect(error?.code == code)
        if let error {
            #expect(error.description.contains("high = \(error.high)"))
            #expect(error.description.contains("low = \(error.low)"))
            #expect(error.description.contains("maximum = \(error.maximum)"))
        }
    }

    @Test("the standard limits are asyncio's")
    func standard() throws {
        #expect(try WriteBufferLimits() == .standard)
        #expect(WriteBufferLimits.datagramOverhead == 8)
    }
}
