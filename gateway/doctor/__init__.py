"""`ani-gateway doctor`: looks at everything a call and its report pass through, and changes nothing."""
