; An f32 as it is read.
(define-fun assumed () Bool (= (|float_from_n code| state) #b100))
(define-fun claimed () Bool (writes (|float_from_n value| state) (number (|float_from_n bits| state))))
