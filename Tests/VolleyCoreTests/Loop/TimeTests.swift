import Testing
import VolleyCore

@Suite("Instants and durations")
struct TimeTests {
    private func instant(_ nanoseconds: Int64) -> MonotonicInstant { MonotonicInstant(nanoseconds: nanoseconds) }

    @Test("an instant moves by a duration, either way")
    func advances() {
        #expect(instant(5).advanced(by: .nanoseconds(7)) == instant(12))
        #expect(instant(5).advanced(by: .nanoseconds(-7)) == instant(-2))
        #expect(instant(0).advanced(by: .seconds(1)) == instant(1_000_000_000))
    }

    @Test("moving past the ends of time stays at the end")
    func saturates() {
        #expect(instant(.max).advanced(by: .nanoseconds(1)) == instant(.max))
        #expect(instant(.min).advanced(by: .nanoseconds(-1)) == instant(.min))
        #expect(instant(0).advanced(by: .seconds(Int64.max)) == instant(.max))
        #expect(instant(0).advanced(by: .seconds(Int64.min)) == instant(.min))
        #expect(instant(.min).advanced(by: .seconds(Int64.max)) == instant(-1))
    }

    @Test("the time between two instants may be longer than either can say")
    func durations() {
        #expect(instant(3).duration(to: instant(10)) == .nanoseconds(7))
        #expect(instant(10).duration(to: instant(3)) == .nanoseconds(-7))
        let whole = instant(.min).duration(to: instant(.max))
        #expect(whole == .nanoseconds(Int64.max) + .nanoseconds(Int64.max) + .nanoseconds(1))
        #expect(whole.wholeNanoseconds == .max)
    }

    @Test("a duration in nanoseconds is rounded towards zero, and ends where Int64 ends")
    func wholeNanoseconds() {
        #expect(Duration.nanoseconds(Int64.max).wholeNanoseconds == .max)
        #expect(Duration.nanoseconds(Int64.min).wholeNanoseconds == .min)
        #expect((Duration.nanoseconds(Int64.max) + .nanoseconds(1)).wholeNanoseconds == .max)
        #expect((Duration.nanoseconds(Int64.min) - .nanoseconds(1)).wholeNanoseconds == .min)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: 1_999_999_999).wholeNanoseconds == 1)
        #expect(Duration(secondsComponent: 0, attosecondsComponent: -1_999_999_999).wholeNanoseconds == -1)
        #expect(Duration(secondsComponent: -1, attosecondsComponent: -1_000_000_000).wholeNanoseconds == -1_000_000_001)
    }
}
